package zkkrb5

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"
)

// authenticate runs the exchange of RFC 4752 (3.1). sasl sends a token and returns the
// token of the answer.
//
//	client                                server
//	  AP-REQ: ticket and authenticator ──▶
//	                                   ◀── AP-REP: proof that it could read the ticket
//	  nothing                          ──▶
//	                                   ◀── wrapped: which security layers it offers
//	  wrapped: none is wanted          ──▶
//	                                   ◀── accepted
func (t *ticket) authenticate(sasl func(token []byte) ([]byte, error)) error {
	auth, token, err := t.request()
	if err != nil {
		return refusedf("AP-REQ: %w", err)
	}
	token, err = sasl(token)
	if err != nil {
		return err
	}
	if len(token) == 0 {
		return refusedf("the server has no SASL, or has refused the ticket and serves such clients without an identity (allowSaslFailedClients)")
	}
	key, err := t.proof(auth, token)
	if err != nil {
		return refusedf("the server cannot prove who it is: %w", err)
	}
	token, err = sasl(nil)
	if err != nil {
		return err
	}
	token, err = key.noLayer(token)
	if err != nil {
		return refusedf("security layers: %w", err)
	}
	_, err = sasl(token)
	return err
}

// The object identifier of Kerberos 5, and the kind of a token, which stand before an
// AP-REQ (RFC 4121, 4.1).
var beforeRequest = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02, 0x01, 0x00}

// request returns the first token, and the authenticator in it.
func (t *ticket) request() (types.Authenticator, []byte, error) {
	auth, err := types.NewAuthenticator(t.realm, t.client)
	if err != nil {
		return auth, nil, err
	}
	// RFC 4121, 4.1.1: no channel is bound, and the flags of the context.
	b := make([]byte, 24)
	binary.LittleEndian.PutUint32(b, 16)
	binary.LittleEndian.PutUint32(b[20:], gssapi.ContextFlagMutual|gssapi.ContextFlagInteg)
	auth.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: b}
	request, err := messages.NewAPReq(t.ticket, t.key, auth)
	if err != nil {
		return auth, nil, err
	}
	types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	b, err = request.Marshal()
	if err != nil {
		return auth, nil, err
	}
	return auth, asn1tools.AddASNAppTag(append(beforeRequest[:len(beforeRequest):len(beforeRequest)], b...), 0), nil
}

// wrapKey is the key of wrapped tokens.
type wrapKey struct {
	key   types.EncryptionKey
	flags byte // in both directions
	seq   uint64
}

// acceptorSubkey is the flag of a token that is wrapped with the server's key.
const acceptorSubkey = 4

// proof checks that the server could read the authenticator, which only the service of
// the ticket can. It returns the key of what follows.
func (t *ticket) proof(auth types.Authenticator, token []byte) (wrapKey, error) {
	var answer spnego.KRB5Token
	if err := answer.Unmarshal(token); err != nil {
		return wrapKey{}, fmt.Errorf("is it Kerberos? %w", err)
	}
	switch {
	case answer.IsKRBError():
		return wrapKey{}, answer.KRBError
	case !answer.IsAPRep():
		return wrapKey{}, errors.New("its answer is no AP-REP")
	}
	b, err := crypto.DecryptEncPart(answer.APRep.EncPart, t.key, keyusage.AP_REP_ENCPART)
	if err != nil {
		return wrapKey{}, err
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(b); err != nil {
		return wrapKey{}, err
	}
	if part.CTime.Unix() != auth.CTime.Unix() || part.Cusec != auth.Cusec {
		return wrapKey{}, errors.New("its answer is to another request")
	}
	k := wrapKey{key: t.key, seq: uint64(auth.SeqNumber)}
	if len(part.Subkey.KeyValue) > 0 {
		k.key, k.flags = part.Subkey, acceptorSubkey
	}
	return k, nil
}

// noSecurityLayer is the bit for authentication alone among the security layers
// (RFC 4752, 3.3). A TLS connection protects more.
const noSecurityLayer = 1

// noLayer answers the server's list of security layers: none is wanted.
func (k wrapKey) noLayer(offer []byte) ([]byte, error) {
	var in gssapi.WrapToken
	if err := in.Unmarshal(offer, true); err != nil {
		return nil, fmt.Errorf("want AES keys: %w", err)
	}
	if ok, err := in.Verify(k.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok {
		return nil, err
	}
	switch {
	case len(in.Payload) != 4:
		return nil, fmt.Errorf("%d bytes, want 4", len(in.Payload))
	case in.Payload[0]&noSecurityLayer == 0:
		return nil, errors.New("the server wants to protect all further traffic, which ZooKeeper's protocol does not")
	}
	etype, err := crypto.GetEtype(k.key.KeyType)
	if err != nil {
		return nil, err
	}
	out := gssapi.WrapToken{
		Flags:     k.flags,
		EC:        uint16(etype.GetHMACBitLength() / 8),
		SndSeqNum: k.seq,
		Payload:   []byte{noSecurityLayer, 0, 0, 0},
	}
	if err := out.SetCheckSum(k.key, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return out.Marshal()
}
