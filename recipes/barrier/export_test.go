package barrier

// Members returns the names of the parties of an entry's round.
func (e *Entry) Members() []string { return e.round.names }
