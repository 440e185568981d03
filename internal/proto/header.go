package proto

// RequestHeader comes before every request but the first of a connection.
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

// ReplyHeader comes before every reply and watch event. The body follows only
// when Err is OK.
type ReplyHeader struct {
	Xid  int32
	Zxid int64 // the server's last zxid; for an event its own from 3.9 on, -1 before
	Err  ErrCode
}

// Decode takes the record.
func (h *ReplyHeader) Decode(r *Reader) {
	if b := r.take(ReplyHeaderLen); b != nil {
		h.Xid, h.Zxid, h.Err = int32At(b, 0), int64At(b, 4), ErrCode(int32At(b, 12))
	}
}
