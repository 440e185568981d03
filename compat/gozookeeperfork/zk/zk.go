// Package zk is github.com/zookit/zookit/compat/gozookeeper for programs that import the
// fork of go-zookeeper/zk that Vitess uses, which has its package in a subfolder:
//
//	replace github.com/z-division/go-zookeeper => github.com/zookit/zookit/compat/gozookeeperfork v0.1.0
//
// It is a module of its own, because a module that replaces another one cannot import its
// own packages.
//
// Beyond go-zookeeper/zk it has Create2, State.IsConnected and SimpleDNSHostProvider, and a
// call on a client that is closed returns ErrClosing, as in v1.0.0 of the fork. These parts
// of the fork are left out: AllowReadOnly, CloseOnSessionExpiration, WithDynamicReconfig
// with DynConf and its parser, what starts servers for tests, and ErrNotReadOnly,
// ErrEphemeralOnLocalSession, ErrNoWatcher and ErrUnimplemented, in whose place a call
// returns ErrUnknown. A program that uses one of them does not compile.
package zk

import (
	"time"

	zk "github.com/zookit/zookit/compat/gozookeeper"
)

// The types.
type (
	ACL                   = zk.ACL
	CheckVersionRequest   = zk.CheckVersionRequest
	Conn                  = zk.Conn
	CreateRequest         = zk.CreateRequest
	CreateTTLRequest      = zk.CreateTTLRequest
	DNSHostProvider       = zk.DNSHostProvider
	DNSHostProviderOption = zk.DNSHostProviderOption
	DeleteRequest         = zk.DeleteRequest
	Dialer                = zk.Dialer
	ErrCode               = zk.ErrCode
	Event                 = zk.Event
	EventCallback         = zk.EventCallback
	EventType             = zk.EventType
	HostProvider          = zk.HostProvider
	Lock                  = zk.Lock
	Logger                = zk.Logger
	Mode                  = zk.Mode
	MultiResponse         = zk.MultiResponse
	PathVersionRequest    = zk.PathVersionRequest
	ServerClient          = zk.ServerClient
	ServerClients         = zk.ServerClients
	ServerStats           = zk.ServerStats
	SetDataRequest        = zk.SetDataRequest
	Stat                  = zk.Stat
	State                 = zk.State
)

// The constants.
const (
	DefaultPort                     = zk.DefaultPort
	EventNodeChildrenChanged        = zk.EventNodeChildrenChanged
	EventNodeCreated                = zk.EventNodeCreated
	EventNodeDataChanged            = zk.EventNodeDataChanged
	EventNodeDeleted                = zk.EventNodeDeleted
	EventNotWatching                = zk.EventNotWatching
	EventSession                    = zk.EventSession
	FlagContainer                   = zk.FlagContainer
	FlagEphemeral                   = zk.FlagEphemeral
	FlagEphemeralSequential         = zk.FlagEphemeralSequential
	FlagPersistent                  = zk.FlagPersistent
	FlagPersistentSequentialWithTTL = zk.FlagPersistentSequentialWithTTL
	FlagSequence                    = zk.FlagSequence
	FlagTTL                         = zk.FlagTTL
	ModeFollower                    = zk.ModeFollower
	ModeLeader                      = zk.ModeLeader
	ModeStandalone                  = zk.ModeStandalone
	ModeUnknown                     = zk.ModeUnknown
	PermAdmin                       = zk.PermAdmin
	PermAll                         = zk.PermAll
	PermCreate                      = zk.PermCreate
	PermDelete                      = zk.PermDelete
	PermRead                        = zk.PermRead
	PermWrite                       = zk.PermWrite
	StateAuthFailed                 = zk.StateAuthFailed
	StateConnected                  = zk.StateConnected
	StateConnectedReadOnly          = zk.StateConnectedReadOnly
	StateConnecting                 = zk.StateConnecting
	StateDisconnected               = zk.StateDisconnected
	StateExpired                    = zk.StateExpired
	StateHasSession                 = zk.StateHasSession
	StateSaslAuthenticated          = zk.StateSaslAuthenticated
	StateSyncConnected              = zk.StateSyncConnected
	StateUnknown                    = zk.StateUnknown
)

// The errors, and the default of the logger. The errors are the same values: == finds them.
var (
	DefaultLogger              = zk.DefaultLogger
	ErrAPIError                = zk.ErrAPIError
	ErrAuthFailed              = zk.ErrAuthFailed
	ErrBadArguments            = zk.ErrBadArguments
	ErrBadVersion              = zk.ErrBadVersion
	ErrClosing                 = zk.ErrClosing
	ErrConnectionClosed        = zk.ErrConnectionClosed
	ErrDeadlock                = zk.ErrDeadlock
	ErrInvalidACL              = zk.ErrInvalidACL
	ErrInvalidFlags            = zk.ErrInvalidFlags
	ErrInvalidPath             = zk.ErrInvalidPath
	ErrNoAuth                  = zk.ErrNoAuth
	ErrNoChildrenForEphemerals = zk.ErrNoChildrenForEphemerals
	ErrNoNode                  = zk.ErrNoNode
	ErrNoServer                = zk.ErrNoServer
	ErrNodeExists              = zk.ErrNodeExists
	ErrNotEmpty                = zk.ErrNotEmpty
	ErrNotLocked               = zk.ErrNotLocked
	ErrNothing                 = zk.ErrNothing
	ErrPtrExpected             = zk.ErrPtrExpected
	ErrReconfigDisabled        = zk.ErrReconfigDisabled
	ErrSessionExpired          = zk.ErrSessionExpired
	ErrSessionMoved            = zk.ErrSessionMoved
	ErrShortBuffer             = zk.ErrShortBuffer
	ErrUnhandledFieldType      = zk.ErrUnhandledFieldType
	ErrUnknown                 = zk.ErrUnknown
)

// The functions.
var (
	AuthACL               = zk.AuthACL
	Connect               = zk.ConnectAsFork
	DigestACL             = zk.DigestACL
	FLWCons               = zk.FLWCons
	FLWRuok               = zk.FLWRuok
	FLWSrvr               = zk.FLWSrvr
	FormatServers         = zk.FormatServers
	NewDNSHostProvider    = zk.NewDNSHostProvider
	NewLock               = zk.NewLock
	WithDialer            = zk.WithDialer
	WithEventCallback     = zk.WithEventCallback
	WithHostProvider      = zk.WithHostProvider
	WithLogInfo           = zk.WithLogInfo
	WithLogger            = zk.WithLogger
	WithLookupTimeout     = zk.WithLookupTimeout
	WithMaxBufferSize     = zk.WithMaxBufferSize
	WithMaxConnBufferSize = zk.WithMaxConnBufferSize
	WorldACL              = zk.WorldACL
)

// ConnectWithDialer is Connect with WithDialer.
func ConnectWithDialer(servers []string, sessionTimeout time.Duration, dialer Dialer) (*Conn, <-chan Event, error) {
	return Connect(servers, sessionTimeout, WithDialer(dialer))
}
