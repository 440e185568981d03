package discovery_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
)

// The data of nodes of Curator and Spring Cloud, and the instance that each decodes to.
var golden = []struct {
	name, json string
	want       discovery.Instance
}{
	{
		"spring cloud",
		`{"name":"svc","id":"6d4e3a1c","address":"h","port":8005,"sslPort":null,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"application-1","name":"svc","metadata":{}},"registrationTimeUTC":1610116500446,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false},{"value":"address","variable":true},{"value":":","variable":false},{"value":"port","variable":true}]}}`,
		discovery.Instance{
			Name: "svc", ID: "6d4e3a1c", Address: "h", Port: new(8005),
			Payload:    json.RawMessage(`{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"application-1","name":"svc","metadata":{}}`),
			Registered: time.UnixMilli(1610116500446), Type: discovery.Dynamic,
			URI: &discovery.URISpec{Parts: []discovery.URIPart{{"scheme", true}, {"://", false}, {"address", true}, {":", false}, {"port", true}}},
		},
	},
	{
		"curator, as little as there can be",
		`{"name":"n","id":"i","address":null,"port":null,"sslPort":null,"payload":null,"registrationTimeUTC":0,"serviceType":"STATIC","uriSpec":null}`,
		discovery.Instance{Name: "n", ID: "i", Type: discovery.Static},
	},
	{
		"curator, a string as payload, disabled",
		`{"name":"n","id":"i","address":"10.0.0.1","port":80,"sslPort":443,"payload":"a <b> & \"c\"","registrationTimeUTC":1,"serviceType":"DYNAMIC_SEQUENTIAL","uriSpec":{"parts":[]},"enabled":false}`,
		discovery.Instance{
			Name: "n", ID: "i", Address: "10.0.0.1", Port: new(80), SSLPort: new(443), Payload: json.RawMessage(`"a <b> & \"c\""`),
			Registered: time.UnixMilli(1), Type: discovery.DynamicSequential, URI: &discovery.URISpec{Parts: []discovery.URIPart{}}, Disabled: true,
		},
	},
	{
		"curator, a number as payload",
		`{"name":"n","id":"i","address":"h","port":0,"sslPort":null,"payload":7,"registrationTimeUTC":1,"serviceType":"PERMANENT","uriSpec":null}`,
		discovery.Instance{
			Name: "n", ID: "i", Address: "h", Port: new(0), Payload: json.RawMessage(`7`),
			Registered: time.UnixMilli(1), Type: discovery.Permanent,
		},
	},
}

// Instances are read from Curator's bytes, and written to the same bytes.
func TestInstance_ReadsAndWritesCuratorsBytes(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			var got discovery.Instance
			require.NoError(t, json.Unmarshal([]byte(g.json), &got))
			require.Equal(t, g.want, got)
			data, err := g.want.MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, g.json, string(data))
		})
	}
}

func TestInstance_ReadsWhatIsNotWritten(t *testing.T) {
	var i discovery.Instance
	require.NoError(t, json.Unmarshal([]byte(`{"id":"i","name":"n","enabled":true,"zone":"b","later":{"x":[1]}}`), &i))
	require.Equal(t, discovery.Instance{Name: "n", ID: "i"}, i, "unknown fields are ignored, absent ones are null, and it is enabled")
	require.NoError(t, json.Unmarshal([]byte(`{"id":"i","name":"n","enabled":null,"serviceType":null}`), &i))
	require.False(t, i.Disabled)

	for _, bad := range []string{
		``, `null`, `{}`, `[]`, `7`, `"x"`, `{"name":"n"}`, `{"id":"i"}`, `{"name":"","id":"i"}`, `{"name":"n","id":"i"`,
		`{"name":"n","id":"i","port":"x"}`, `{"name":"n","id":"i"} x`, "\x00\xff", `{"name":7,"id":"i"}`,
		`{"name":"n","id":"i","uriSpec":{"parts":7}}`, `{"name":"n","id":"i","enabled":"no"}`, strings.Repeat("[", 100000),
	} {
		require.Error(t, json.Unmarshal([]byte(bad), new(discovery.Instance)), bad)
	}
}

func TestInstance_Payload(t *testing.T) {
	type details struct {
		Zone string `json:"zone"`
		Note string `json:"note,omitempty"`
	}
	p, err := discovery.NewPayload("com.example.Details", details{Zone: "b", Note: "<1>"})
	require.NoError(t, err)
	require.Equal(t, `{"@class":"com.example.Details","zone":"b","note":"<1>"}`, string(p))
	i := discovery.Instance{Payload: p}
	require.Equal(t, "com.example.Details", i.PayloadClass())
	var d details
	require.NoError(t, i.DecodePayload(&d))
	require.Equal(t, details{Zone: "b", Note: "<1>"}, d)

	p, err = discovery.NewPayload("x", struct{}{})
	require.NoError(t, err)
	require.Equal(t, `{"@class":"x"}`, string(p))
	_, err = discovery.NewPayload("x", 7)
	require.ErrorContains(t, err, "not a JSON object")
	_, err = discovery.NewPayload("x", func() {})
	require.Error(t, err)

	none := discovery.Instance{}
	require.Empty(t, none.PayloadClass())
	require.NoError(t, none.DecodePayload(&d))
	require.Equal(t, "b", d.Zone)
	text := discovery.Instance{Name: "n", ID: "i", Payload: json.RawMessage(`"text"`)}
	require.Empty(t, text.PayloadClass())
	require.ErrorContains(t, text.DecodePayload(&d), "n/i")
}

func TestRegistration_RefusesWhatIsNoInstance(t *testing.T) {
	d := discovery.New(new(zk.Client), "/services", discovery.Config{})
	_, err := d.Registration(discovery.Instance{
		Name: "a/b", ID: "x\x00", Type: "FOO", Port: new(-1), SSLPort: new(70000), Payload: json.RawMessage(`{`),
	})
	for _, part := range []string{`name "a/b"`, `id "x\x00"`, `type "FOO"`, `port "-1"`, `SSL port "70000"`, `payload "{"`} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorIs(t, err, zk.ErrInvalidPath)
	_, ok := errors.AsType[*discovery.InvalidError](err)
	require.True(t, ok)
	_, err = d.Registration(discovery.Instance{})
	require.ErrorContains(t, err, `name ""`)

	r, err := d.Registration(discovery.Instance{Name: "n"})
	require.NoError(t, err)
	i := r.Instance()
	require.Len(t, i.ID, 36)
	require.Equal(t, discovery.Dynamic, i.Type)
	require.WithinDuration(t, time.Now(), i.Registered, time.Minute)
}

func TestURISpec_ParsesAndBuilds(t *testing.T) {
	i := &discovery.Instance{
		Name: "n", ID: "i", Address: "h", Port: new(80), Registered: time.UnixMilli(5), Type: discovery.DynamicSequential,
	}
	secure := *i
	secure.SSLPort = new(443)
	for _, c := range []struct {
		spec string
		i    *discovery.Instance
		vars map[string]string
		want string
	}{
		{"{scheme}://{address}:{port}", i, nil, "http://h:80"},
		{"{scheme}://{address}:{ssl-port}/{ name }/{id}", &secure, nil, "https://h:443/n/i"},
		{"{service-type}-{registration-time-utc}", i, nil, "dynamic_sequential-5"},
		{"{ssl-port}{unknown}x", i, nil, "x"},
		{"{unknown}{address}", i, map[string]string{"unknown": "a", "address": "b"}, "ab"},
		{"{[}{scheme}{]}", nil, nil, "{http}"},
		{"{port}", nil, nil, ""},
		{"{registration-time-utc}", &discovery.Instance{}, nil, "0"},
		{"plain", nil, nil, "plain"},
		{"", nil, nil, ""},
	} {
		u, err := discovery.ParseURISpec(c.spec)
		require.NoError(t, err, c.spec)
		require.Equal(t, c.want, u.Build(c.i, c.vars), c.spec)
		again, err := discovery.ParseURISpec(u.String())
		require.NoError(t, err)
		require.Equal(t, u, again)
	}
	for _, bad := range []string{"{", "}", "{a", "a}", "{a{b}}", "{a}}", "x}{y}"} {
		_, err := discovery.ParseURISpec(bad)
		require.ErrorContains(t, err, "URI spec", bad)
	}
	require.Empty(t, i.BuildURI(nil))
	i.URI = &discovery.URISpec{Parts: []discovery.URIPart{{"id", true}}}
	require.Equal(t, "i", i.BuildURI(nil))
}

// All data that decodes encodes again, to the same instance. Nothing panics.
func FuzzInstance(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.json))
	}
	f.Add([]byte(`{"id":"i","name":"n","payload":{"@class":"x"},"enabled":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second discovery.Instance
		if json.Unmarshal(data, &first) != nil {
			return
		}
		_, _ = first.BuildURI(nil), first.PayloadClass()
		if first.Type == "" {
			first.Type = discovery.Dynamic // as it is written
		}
		once, err := first.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(once, &second))
		twice, err := second.MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
		require.Equal(t, first.ID, second.ID)
		require.Equal(t, first.Disabled, second.Disabled)
	})
}

func FuzzURISpec(f *testing.F) {
	for _, s := range []string{"{scheme}://{address}:{port}", "{[}{]}", "}{", "{}x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		u, err := discovery.ParseURISpec(spec)
		if err != nil {
			return
		}
		again, err := discovery.ParseURISpec(u.String())
		require.NoError(t, err)
		require.Equal(t, u.Build(nil, nil), again.Build(nil, nil))
	})
}
