package discovery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zktest"
)

// A registration shares no memory with its caller. What the caller changes
// afterwards is not stored, and a refused update changes nothing.
func TestRegistration_SharesNothingWithItsCaller(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		port, payload := 80, []byte(`"first"`)
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1", Port: &port, Payload: payload})
		require.NoError(t, err)
		port = 81
		copy(payload, `"xxxxx"`)
		*r.Instance().Port = 82
		require.NoError(t, r.Register(t.Context()))
		require.Contains(t, data(t, srv, "/services/web/1"), `"port":80`)
		require.Contains(t, data(t, srv, "/services/web/1"), `"first"`)

		err = r.Update(t.Context(), func(i *discovery.Instance) {
			*i.Port = 83
			i.Payload = []byte(`{`)
		})
		require.Error(t, err)
		require.Equal(t, 80, *r.Instance().Port)
		require.NoError(t, r.Unregister(t.Context()))
	})
}
