package zktest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func pairInBubble(t *testing.T, f func(t *testing.T, a, b *memConn)) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newConnPair("a", "b")
		defer a.Close()
		defer b.Close()
		f(t, a, b)
	})
}

func TestConn_WritesAreBuffered(t *testing.T) {
	pairInBubble(t, func(t *testing.T, a, b *memConn) {
		for range 3 { // there is no reader: a synchronous pipe would hang here
			a.Write([]byte("abc"))
			b.Write([]byte("xyz"))
		}
		got := make([]byte, 9)
		if _, err := io.ReadFull(b, got); err != nil || string(got) != "abcabcabc" {
			t.Errorf("%q %v", got, err)
		}
	})
}

func TestConn_AWriterThatIsFarAheadWaits(t *testing.T) {
	pairInBubble(t, func(t *testing.T, a, b *memConn) {
		data := bytes.Repeat([]byte("0123456789"), pipeSize/4)
		done := make(chan error, 1)
		go func() { _, err := a.Write(data); done <- err }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("the write did not wait: %v", err)
		default:
		}
		got, err := io.ReadAll(io.LimitReader(b, int64(len(data))))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := <-done; err != nil {
			t.Errorf("write: %v", err)
		}
	})
}

func TestConn_Deadlines(t *testing.T) {
	pairInBubble(t, func(t *testing.T, a, b *memConn) {
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Second))
		_, err := a.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("read: %v after %v", err, time.Since(start))
		}
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() {
			t.Errorf("no timeout in the sense of net.Error: %v", err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read after the deadline: %v", err)
		}
		a.SetDeadline(time.Time{})
		time.AfterFunc(time.Minute, func() { b.Write([]byte("x")) })
		if _, err := a.Read(make([]byte, 1)); err != nil {
			t.Errorf("read without a deadline: %v", err)
		}
		// A deadline that is set while a read waits works too.
		time.AfterFunc(time.Second, func() { a.SetReadDeadline(time.Now()) })
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write(make([]byte, pipeSize+1))
		if n != pipeSize || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d bytes, %v", n, err)
		}
	})
}

func TestConn_CloseAndReset(t *testing.T) {
	pairInBubble(t, func(t *testing.T, a, b *memConn) {
		a.Write([]byte("x"))
		waiting := make(chan error, 1)
		go func() { _, err := a.Read(make([]byte, 1)); waiting <- err }()
		synctest.Wait()
		a.Close()
		if err := <-waiting; !errors.Is(err, net.ErrClosed) {
			t.Errorf("a read that was waiting: %v", err)
		}
		if _, err := a.Write([]byte("y")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("write on a closed connection: %v", err)
		}
		if got, err := io.ReadAll(b); err != nil || string(got) != "x" {
			t.Errorf("the peer reads %q %v", got, err)
		}
		if _, err := b.Write([]byte("y")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("the peer's write: %v", err)
		}
		select {
		case <-peerGone(b):
		default:
			t.Error("the channel of peerGone is not closed")
		}
	})
	pairInBubble(t, func(t *testing.T, a, b *memConn) {
		a.Write([]byte("x"))
		abortConn(a)
		if got, err := io.ReadAll(b); !errors.Is(err, syscall.ECONNRESET) || string(got) != "x" {
			t.Errorf("after a reset the peer reads %q %v", got, err)
		}
	})
}
