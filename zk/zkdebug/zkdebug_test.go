package zkdebug_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"expvar"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zk/zkdebug"
	"github.com/zookit/zookit/zktest"
)

// ask makes a request to a handler, with headers as "name", "value".
func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// busy gives a client a guard, watches, a subscription and abandoned nodes.
func busy(t *testing.T, c *zk.Client) {
	_, release, err := c.Session().Guard(t.Context())
	require.NoError(t, err)
	t.Cleanup(release)
	_, _, _, err = c.ExistsW(t.Context(), "/never")
	require.NoError(t, err)
	_, err = c.Subscribe(t.Context(), "/<b>", zk.Recursive())
	require.NoError(t, err)
	protect.Abandon(c, c.Session(), "/gone")
	synctest.Wait()
}

// The JSON has the documented form, whole.
func TestHandler_JSON(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		busy(t, c)
		time.Sleep(1500 * time.Microsecond)
		h := zkdebug.Handler(map[string]*zk.Client{"orders": c})
		w := ask(h, "GET", "/?format=json")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		var got map[string]map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		session := got["orders"]["session"].(map[string]any)
		require.InDelta(t, 8, session["expires_in_seconds"], 0.5)
		require.InDelta(t, 5, session["lease_left_seconds"], 1)
		delete(session, "expires_in_seconds")
		delete(session, "lease_left_seconds")
		require.Equal(t, map[string]any{
			"id": fmt.Sprintf("0x%x", c.Session().ID()), "age_seconds": 0.002, "timeout_seconds": 6., "read_only": false, "over": false, "guards": 1.,
		}, session)
		delete(got["orders"], "session")
		require.Equal(t, map[string]any{
			"servers": srv.ConnectString(), "state": "connected", "in_state_seconds": 0.002,
			"server": srv.ConnectString(), "connection_age_seconds": 0.002,
			"in_flight": 0., "queued": 0., "waiting_for_room": 0., "max_in_flight": float64(c.Config().MaxInFlight),
			"watches":        map[string]any{"data": 0., "absent": 1., "children": 0.},
			"subscriptions":  []any{map[string]any{"path": "/<b>", "recursive": true, "waiting": 0., "buffer": 1024., "resyncs_total": 0.}},
			"sessions_total": 1., "reconnects_total": 0., "expiries_total": 0., "unconfirmed_sessions": 0.,
			"companions": []any{map[string]any{"name": "janitor", "counts": map[string]any{
				"abandoned nodes": 0., "being deleted": 0., "in a pause": 0.,
			}}},
		}, got["orders"])
	})
}

// The page shows each client in every state, and escapes what others have named.
func TestHandler_Page(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		busy(t, c)
		lost := clienttest.Connect(t, srv, clienttest.Background, func(cfg *zk.Config) {
			cfg.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
		})
		clients := map[string]*zk.Client{"orders": c, "<i>": lost}
		h := zkdebug.Handler(clients)
		clear(clients)
		w := ask(h, "GET", "/", "Accept", "text/html,application/json")
		require.Equal(t, 200, w.Code)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		text := w.Body.String()
		for _, want := range []string{
			"<h2>&lt;i&gt;: connecting</h2>", "none yet", "<h2>orders: connected</h2>", "/&lt;b&gt;", "for 1 guards",
			fmt.Sprintf("0x%x", c.Session().ID()), "1 of absent nodes", "abandoned nodes: 0",
		} {
			require.Contains(t, text, want)
		}
		require.NoError(t, lost.Close(clienttest.InTime(t)))
		srv.Down(1, true)
		time.Sleep(time.Minute)
		text = ask(h, "GET", "/?format=html", "Accept", "application/json").Body.String()
		require.Contains(t, text, "<h2>&lt;i&gt;: closed</h2>")
		require.Contains(t, text, "<h2>orders: expired</h2>")
		require.Contains(t, text, "over, was opened 1m")
		require.Contains(t, text, "no answer for 8s")
		srv.Down(1, false)
		require.Contains(t, ask(zkdebug.Handler(nil), "GET", "/").Body.String(), "No client")
	})
}

// What is asked for decides the form. Only reads are answered.
func TestHandler_Requests(t *testing.T) {
	h := zkdebug.Handler(nil)
	require.JSONEq(t, "{}", ask(h, "GET", "/", "Accept", "application/json").Body.String())
	require.Equal(t, 200, ask(h, "HEAD", "/").Code)
	w := ask(h, "POST", "/")
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	w = ask(h, "GET", "/?format=xml")
	require.Equal(t, 400, w.Code)
	require.Contains(t, w.Body.String(), "neither json nor html")
}

// A variable shows the client that was published last, also after the same name was
// published twice. The name of another variable is refused.
func TestPublish(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		second := clienttest.Connect(t, srv)
		id := func() any {
			var v map[string]map[string]any
			require.NoError(t, json.Unmarshal([]byte(expvar.Get("zk.test").String()), &map[string]any{}))
			_ = json.Unmarshal([]byte(expvar.Get("zk.test").String()), &v) // not every value is an object
			return v["session"]["id"]
		}
		require.NoError(t, zkdebug.Publish("zk.test", c))
		require.NoError(t, zkdebug.Publish("zk.test", c))
		require.Equal(t, fmt.Sprintf("0x%x", c.Session().ID()), id())
		require.NoError(t, zkdebug.Publish("zk.test", second))
		require.Equal(t, fmt.Sprintf("0x%x", second.Session().ID()), id())
		require.NoError(t, zkdebug.Publish("zk.test", nil))
		require.Equal(t, "null", expvar.Get("zk.test").String())
		require.ErrorContains(t, zkdebug.Publish("memstats", c), `"memstats" is in use`)
	})
}

// wire keeps what a client reads.
type wire struct {
	net.Conn
	mu   *sync.Mutex
	read *bytes.Buffer
}

func (w wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read.Write(p[:n])
	return n, err
}

// No form shows a credential or the password of a session: while the client is
// connected, and when its credential was refused.
func TestSecrets_AreInNoForm(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const secret = "correct-horse-battery"
		var mu sync.Mutex
		var read bytes.Buffer
		wired := func(cfg *zk.Config) {
			cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				nc, err := srv.DialContext(ctx, network, addr)
				return wire{nc, &mu, &read}, err
			}
		}
		c := clienttest.Connect(t, srv, wired, func(cfg *zk.Config) { cfg.Auth = []zk.Authenticator{zk.DigestAuth("bob", secret)} })
		busy(t, c)
		mu.Lock()
		password := bytes.Clone(read.Bytes()[24:40]) // of the answer to the handshake
		mu.Unlock()
		require.NotEqual(t, make([]byte, 16), password)

		refused := clienttest.Connect(t, srv, wired, clienttest.Background, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.Auth{Scheme: "custom", Data: []byte(secret)}}
		})
		time.Sleep(time.Second)
		require.Equal(t, zk.StateAuthFailed, refused.State())

		h := zkdebug.Handler(map[string]*zk.Client{"a": c, "b": refused})
		text := ask(h, "GET", "/").Body.String() + ask(h, "GET", "/?format=json").Body.String()
		for _, one := range []*zk.Client{c, refused} {
			require.NoError(t, zkdebug.Publish("zk.secrets", one))
			text += expvar.Get("zk.secrets").String()
		}
		require.NoError(t, zkdebug.Publish("zk.secrets", nil))
		require.Contains(t, text, "auth failed")
		for _, raw := range [][]byte{[]byte(secret), []byte("bob:" + secret), password} {
			for _, shown := range []string{
				string(raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), fmt.Sprint(raw),
				base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw),
			} {
				require.NotContains(t, text, shown)
			}
		}
	})
}

// Any state is shown by its name, and a function that panics harms nobody else.
func TestStatuses(t *testing.T) {
	n := 0
	h := zkdebug.Statuses(map[string]func() any{
		"leader": func() any { n++; return fmt.Sprintf("campaigning <%d>", n) },
		"broken": func() any { panic("nobody home") },
	})
	require.JSONEq(t, `{"broken": "panic: nobody home", "leader": "campaigning <1>"}`, ask(h, "GET", "/?format=json").Body.String())
	page := ask(h, "GET", "/").Body.String()
	require.Contains(t, page, "<th>leader</th><td>campaigning &lt;2&gt;</td>", "asked at each request")
	require.Contains(t, page, "<th>broken</th>")
	require.Equal(t, 405, ask(h, "POST", "/").Code)
	require.Contains(t, ask(zkdebug.Statuses(nil), "GET", "/").Body.String(), "No state is shown")
}
