// Package groupmembership says who is there: members of a group are ephemeral
// nodes in one directory, named by their ids, and everybody can watch them come
// and go.
//
// A member is kept: when its session expires it joins again with the newest data
// given to Update, and it tries until it succeeds or Leave. A reconnect inside the
// session changes nothing that others could see. Membership.Context ends before
// the ensemble can have dropped the member, with the reason as its cause; after
// that, Context is that of the next registration, once there is one. States tells
// of both.
//
// An id belongs to one session at a time. A node of another session under it is
// waited out for Config.WaitOut, since it may be what a crash of this very process
// has left; one that stays, or comes anew, is ErrIDTaken with its owner. It is
// never adopted, written to or deleted, unless the owner was an earlier session of
// the same client.
//
// Leave leaves nothing, whenever it is called: what it cannot delete in its time
// is deleted in the background, and no later registration can be on its way.
//
// # Who is there
//
// Members and Watch say what ZooKeeper says, and nothing else: who has joined is
// in the view when the server shows it. Members reads the group once. Watch yields
// a Snapshot whenever the group has changed: it says who joined, left and changed
// since the one before, and lists all members when it is asked to. A change costs
// the same in a group of ten and of ten thousand; the list costs what it is long.
//
// Watch tells an empty group from one that it does not know yet, and in an outage
// of the ensemble it keeps the last view, marked as stale. It needs one watch a
// group; where the server has no recursive ones (before 3.6), one a member.
//
// # Layout
//
// The layout is that of Curator's GroupMember, `dir/<id>` with the data as it is,
// and programs of both kinds can be in one group.
//
// # Rights
//
// A member needs CREATE and DELETE on the directory, READ on its own node, to see
// that it is still there, and WRITE on it for Update. Without that READ Join fails
// with zk.ErrNoAuth and leaves no node. Members and Watch need READ on the
// directory. A member whose node they may not read is listed with its id and Err.
// Where a right is missing the error is a *recipes.RightError. Without DELETE the
// node of a member that has left stays until its session ends, and Join under that
// id fails until then.
//
// # What is left to the caller
//
// Ids that are unique, and to stop what only a member may do when the Context
// ends. Membership is no mutual exclusion: two members may see different views at
// one time.
package groupmembership
