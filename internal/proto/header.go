package proto

// RequestHeader precedes every request except the ConnectRequest.
type RequestHeader struct {
	Xid int32
	Op  OpCode
}

// Append appends the record.
func (h RequestHeader) Append(b []byte) []byte {
	return AppendInt32(AppendInt32(b, h.Xid), int32(h.Op))
}

// ReplyHeaderLen is the size of an encoded ReplyHeader.
const ReplyHeaderLen = 16

// ReplyHeader precedes every reply and watch event, but not the ConnectResponse.
// A body follows only if Err is OK.
type ReplyHeader struct {
	Xid int32
	// Zxid is the server's last zxid. In an event it is the zxid of the change
	// since 3.9, and -1 before.
	Zxid int64
	Err  ErrCode
}

// Decode reads the record.
func (h *ReplyHeader) Decode(r *Reader) {
	if b := r.next(ReplyHeaderLen); b != nil {
		h.Xid, h.Zxid, h.Err = int32At(b, 0), int64At(b, 4), ErrCode(int32At(b, 12))
	}
}
