package zk_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

// Validate finds what Connect would find, without a connection.
func TestConfig_ValidateFindsWhatConnectFinds(t *testing.T) {
	require.NoError(t, zk.Config{Servers: "zk1"}.Validate())
	for _, cfg := range []zk.Config{{}, {Servers: "zk1:x", MaxInFlight: -1}, {Servers: "zk1", SessionTimeout: -1, TouchDelay: -1}} {
		err := cfg.Validate()
		require.ErrorIs(t, err, zk.ErrInvalidConfig)
		_, connectErr := zk.Connect(t.Context(), cfg)
		require.EqualError(t, err, connectErr.Error())
	}
}
