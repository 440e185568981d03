package groupmembership

// tree holds members in the order of their ids. A tree is immutable. put and drop
// return a new tree, which shares everything with the old one but the path to the
// member. So a change costs the logarithm of the size, and a Snapshot keeps its
// tree without a copy.
//
// A tree is balanced by weight: no side of a node has more than three times the
// members of the other. (S. Adams, "Efficient sets: a balancing act", with the
// parameters that Hirai and Yamamoto have proved correct.)
type tree struct {
	m           *Member
	left, right *tree // smaller and larger ids
	size        int   // number of members
}

const (
	// maxWeight limits one side, in weights of the other.
	maxWeight = 3
	// maxInner limits the inner part of the heavier side, in weights of its outer
	// part. Above it a double rotation is needed.
	maxInner = 2
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

// build makes a tree of members that are sorted by id.
func build(sorted []*Member) *tree {
	if len(sorted) == 0 {
		return nil
	}
	middle := len(sorted) / 2
	return node(build(sorted[:middle]), sorted[middle], build(sorted[middle+1:]))
}

// put adds m, and replaces a member with the same id.
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

// drop removes the member with an id, which must be in the tree.
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

// balanced is node for two trees that were balanced before a member was added to or
// removed from one of them.
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
