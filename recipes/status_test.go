package recipes_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/internal/presence"
)

// The states of members and instances have the values and the names of the states of
// a node.
func TestStatus_StatesAreThoseOfTheNode(t *testing.T) {
	for _, s := range []presence.State{presence.Unregistered, presence.Registered, presence.Ended} {
		require.Equal(t, s.String(), groupmembership.State(s).String())
		require.Equal(t, s.String(), discovery.State(s).String())
	}
	require.Equal(t, "unregistered", groupmembership.Unregistered.String())
	require.Equal(t, "registered", groupmembership.Registered.String())
	require.Equal(t, "ended", groupmembership.Ended.String())
	require.Equal(t, "unregistered", discovery.Unregistered.String())
	require.Equal(t, "registered", discovery.Registered.String())
	require.Equal(t, "ended", discovery.Ended.String())
}
