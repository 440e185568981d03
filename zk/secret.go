package zk

// secret holds a value that must not be printed. When fmt prints a struct that contains
// a client, it reads the fields directly and ignores their Format method. But it never
// calls a function.
type secret[T any] func() T

func hide[T any](v T) secret[T] { return func() T { return v } }
