package oneline_test

import (
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/oneline"
)

func TestJoin_IsOneLineAndKeepsTheErrors(t *testing.T) {
	inner := errors.Join(io.EOF, io.ErrClosedPipe)
	err := oneline.Join(nil, inner, io.ErrNoProgress)
	require.EqualError(t, err, "EOF; io: read/write on closed pipe; multiple Read calls return no data or error")
	require.ErrorIs(t, err, io.ErrClosedPipe)
	require.ErrorIs(t, err, io.ErrNoProgress)
	require.NoError(t, oneline.Join(nil, nil))
	require.NoError(t, oneline.Flat(nil))
	require.Equal(t, "EOF; io: read/write on closed pipe", oneline.Text(inner))
	require.Equal(t, "7", oneline.Text(7))
}
