package proto

// PathWatch is the body of exists, getData, getChildren and getChildren2.
type PathWatch struct {
	Path  string
	Watch bool
}

// Append appends the record.
func (q *PathWatch) Append(b []byte) []byte { return AppendBool(AppendString(b, q.Path), q.Watch) }
