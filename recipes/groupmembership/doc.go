// Package groupmembership shows which members a group has. Each member is an
// ephemeral node in one directory, named by its id. Every client can watch members
// join and leave.
//
// When the session of a member expires, the member joins again with the newest data
// given to Update. It retries until it succeeds, or until Leave. A reconnect inside
// the session changes nothing that others could see.
//
// Membership.Context ends before the ensemble can have removed the member, with the
// reason as its cause. After the member has joined again, Context returns the
// context of the new registration. States reports both.
//
// An id belongs to one session at a time. Another session may own a node under the
// id, for example because this process crashed and was restarted. Join then waits
// up to Config.WaitOut for that node to be deleted. If the node stays, or another
// session creates the next one, the error is ErrIDTaken with the owner. A member
// never adopts, changes or deletes that node, unless an earlier session of the same
// client owns it.
//
// Leave leaves no node behind, whenever it is called. What it cannot delete in its
// time, the client deletes in the background. No create of this member runs later.
//
// # The members of the group
//
// Members and Watch show exactly what ZooKeeper shows: a member is in the view once
// the server shows its node. Members reads the group once. Watch yields a Snapshot
// after each change of the group. A Snapshot has the members that have joined, left
// and changed since the one before, and lists all members on request. A change costs
// the same in a group of ten and in one of ten thousand. The list costs time in
// proportion to its length.
//
// Watch distinguishes an empty group from one that is not known yet. In an outage
// of the ensemble it keeps the last view, marked as stale. It needs one watch for a
// group. Servers before 3.6 have no recursive watches; there it needs one for each
// member.
//
// # Layout
//
// The layout is that of Curator's GroupMember: `dir/<id>`, whose data is the
// member's data unchanged. Programs that use either library can be in one group.
//
// # A restart
//
// A process can hand its node to its successor, so that nobody sees it go: Membership.Detach,
// then zk.Client.Detach, and in the next process zk.Config.Resume and Group.Resume.
//
// # Rights
//
// A member needs CREATE and DELETE on the directory. On its own node it needs READ,
// to notice a deletion, and WRITE for Update. Without that READ, Join fails with
// zk.ErrNoAuth and leaves no node.
//
// Members and Watch need READ on the directory. They list a member whose node they
// may not read with its id and Err.
//
// If a right is missing, the error is a *recipes.RightError. Without DELETE, the
// node of a member that has left stays until its session ends, and Join under that
// id fails until then.
//
// # What is left to the caller
//
// The caller chooses unique ids. When the Context ends, the caller stops what only
// a member may do. Membership is no mutual exclusion: two members may see different
// views at the same time.
package groupmembership
