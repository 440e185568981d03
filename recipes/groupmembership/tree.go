package groupmembership

// tree holds members by their ids. A tree never changes: put and drop return
// another one, which shares with it all but the path to the member. So a change
// costs the logarithm of the size, and a Snapshot keeps its tree for nothing.
//
// It is balanced by weight: no side of a node has more than three times the
// members of the other. (S. Adams, "Efficient sets: a balancing act", with the
// parameters that Hirai and Yamamoto have proved right.)
type tree struct {
	m           *Member
	left, right *tree // smaller and larger ids
	size        int   // of the whole
}

const (
	maxWeight = 3 // of one side, in weights of the other
	maxInner  = 2 // of the inner part of the heavier side, in weights of its outer part; above, it is split
)

func (t *tree) len() int {
	if t == nil {
		return 0
	}
	return t.size
}

func (t *tree) weight() int { return t.len() + 1 }

// find returns the member with an id, or nil.
func (t *tree) find(id string) *Member {
	for t != nil {
		switch {
		case id < t.m.ID:
			t = t.left
		case id > t.m.ID:
			t = t.right
		default:
			return t.m
		}
	}
	return nil
}

// all calls f with every member, in the order of their ids.
func (t *tree) all(f func(*Member)) {
	if t != nil {
		t.left.all(f)
		f(t.m)
		t.right.all(f)
	}
}

// build makes a tree of members that are in the order of their ids.
func build(sorted []*Member) *tree {
	if len(sorted) == 0 {
		return nil
	}
	middle := len(sorted) / 2
	return node(build(sorted[:middle]), sorted[middle], build(sorted[middle+1:]))
}

// put adds m, in the place of a member with the same id.
func (t *tree) put(m *Member) *tree {
	switch {
	case t == nil:
		return node(nil, m, nil)
	case m.ID < t.m.ID:
		return balanced(t.left.put(m), t.m, t.right)
	case m.ID > t.m.ID:
		return balanced(t.left, t.m, t.right.put(m))
	default:
		return node(t.left, m, t.right)
	}
}

// drop takes out the member with an id, which must be there.
func (t *tree) drop(id string) *tree {
	switch {
	case id < t.m.ID:
		return balanced(t.left.drop(id), t.m, t.right)
	case id > t.m.ID:
		return balanced(t.left, t.m, t.right.drop(id))
	case t.left == nil:
		return t.right
	case t.right == nil:
		return t.left
	default:
		next := t.right
		for next.left != nil {
			next = next.left
		}
		return balanced(t.left, next.m, t.right.drop(next.m.ID))
	}
}

func node(left *tree, m *Member, right *tree) *tree {
	return &tree{m: m, left: left, right: right, size: left.len() + 1 + right.len()}
}

// balanced is node for two trees that were balanced before one of them got or lost
// a member.
func balanced(left *tree, m *Member, right *tree) *tree {
	switch {
	case right.weight() > maxWeight*left.weight():
		inner := right.left
		if inner.weight() < maxInner*right.right.weight() {
			return node(node(left, m, inner), right.m, right.right)
		}
		return node(node(left, m, inner.left), inner.m, node(inner.right, right.m, right.right))
	case left.weight() > maxWeight*right.weight():
		inner := left.right
		if inner.weight() < maxInner*left.left.weight() {
			return node(left.left, left.m, node(inner, m, right))
		}
		return node(node(left.left, left.m, inner.left), inner.m, node(inner.right, m, right))
	default:
		return node(left, m, right)
	}
}
