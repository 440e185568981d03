package acceptance

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A write is {zxid, version, token}. Each row has the writes in the order of the
// reports, which need not be that of the ensemble.
func TestStoreOrder(t *testing.T) {
	const epoch = 1 << 32
	for name, test := range map[string]struct {
		writes [][3]int64
		lost   int
		err    string
	}{
		"in order":                          {writes: [][3]int64{{11, 1, 10}, {12, 2, 10}, {22, 3, 20}}},
		"reports out of order":              {writes: [][3]int64{{22, 3, 20}, {11, 1, 10}, {12, 2, 10}}},
		"a version is missing":              {writes: [][3]int64{{11, 1, 10}, {22, 3, 20}}},
		"over a change of the leader":       {writes: [][3]int64{{11, 1, 10}, {epoch + 2, 2, epoch + 1}}},
		"an older token":                    {writes: [][3]int64{{22, 1, 20}, {23, 2, 10}}, err: "zxid 0x16 was written with token 20, zxid 0x17 with token 10"},
		"one result for two writes":         {writes: [][3]int64{{11, 1, 10}, {11, 1, 10}}, err: "two writes have zxid 0xb"},
		"one version twice":                 {writes: [][3]int64{{11, 1, 10}, {12, 1, 10}}, err: "version 1 has zxid 0xb, version 1 has zxid 0xc"},
		"the ensemble lost a write":         {writes: [][3]int64{{11, 1, 10}, {epoch + 2, 1, epoch + 1}}, lost: 1},
		"it lost two, and two followed":     {writes: [][3]int64{{11, 1, 10}, {12, 2, 10}, {epoch + 2, 1, epoch + 1}, {epoch + 3, 2, epoch + 1}}, lost: 1},
		"a loss does not hide an old token": {writes: [][3]int64{{22, 1, 20}, {epoch + 2, 1, 10}}, err: "with token 10"},
	} {
		t.Run(name, func(t *testing.T) {
			var writes []report
			for who, w := range test.writes {
				writes = append(writes, report{What: wrote, Who: who, Name: "one", Zxid: w[0], Version: int32(w[1]), Token: w[2]})
			}
			lost, err := storeOrder(writes)
			require.Len(t, lost, test.lost)
			if test.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.err)
			}
		})
	}
}
