// Command release writes a module into a folder, as the Go module proxy would serve it
// at a version. The folder is then a GOPROXY:
//
//	go run ./scripts/release -dir contrib/zkprom -module PATH -version v0.1.0 -licence LICENSE -proxy FOLDER
//	GOPROXY=file://FOLDER go mod download PATH@v0.1.0
//
// scripts/release-check.sh uses it.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	var m module
	flag.StringVar(&m.dir, "dir", ".", "the `folder` of the module")
	flag.StringVar(&m.path, "module", "", "the `path` of the module")
	flag.StringVar(&m.version, "version", "", "the `version` to serve it at")
	flag.StringVar(&m.licence, "licence", "", "the `file` with the licence, for a module that has none of its own")
	proxy := flag.String("proxy", "", "the `folder` to write to")
	flag.Parse()
	if m.path == "" || m.version == "" || *proxy == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := m.publish(*proxy); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
