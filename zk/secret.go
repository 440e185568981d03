package zk

// secret holds a value that must not be printed. fmt reads the fields of a struct that
// holds a client or a session without asking their Format, and follows pointers
// for some verbs. It never looks into a function.
type secret[T any] func() T

func hide[T any](v T) secret[T] { return func() T { return v } }
