package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRecognize_KnowsTheLicencesByTheirTexts(t *testing.T) {
	const (
		apache = "Apache License\n   Version 2.0, January 2004"
		mit    = "Permission is hereby granted, free of charge,\nto any person obtaining a copy of this software"
		bsd2   = "Redistribution and use in source and binary\nforms, with or without modification"
		bsd3   = bsd2 + " … Neither the name of X nor the names of its\ncontributors may be used to endorse or promote products derived from this software"
		isc    = "Permission to use, copy, modify, and/or distribute this software for any purpose"
		mpl    = "Mozilla Public License Version 2.0"
	)
	for text, want := range map[string]string{
		apache: "Apache-2.0", mit: "MIT", bsd2: "BSD-2-Clause", bsd3: "BSD-3-Clause", isc: "ISC", mpl: "MPL-2.0",
		mit + apache: "Apache-2.0 and MIT",
	} {
		got, err := recognize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	_, err := recognize("All rights reserved.")
	require.ErrorContains(t, err, "not known")
}

func TestRender_ANamelessLicenceIsAnError(t *testing.T) {
	dir := t.TempDir()
	lists := []list{{module: "m", uses: []dependency{{path: "example.org/d", version: "v1.0.0", dir: dir}}}}
	_, err := render(lists)
	require.ErrorContains(t, err, "example.org/d@v1.0.0: no file with a licence")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("Apache License, Version 2.0"), 0o644))
	text, err := render(lists)
	require.NoError(t, err)
	require.Contains(t, string(text), "| example.org/d | v1.0.0 | Apache-2.0 | no |")
}

func TestReachable_WhatAProgramContains(t *testing.T) {
	packages := map[string]pkg{
		"m":               {Imports: []string{"m/internal/a", "d/one"}},
		"m/internal/a":    {Imports: []string{"d/two", "fmt"}},
		"m/internal/test": {Imports: []string{"d/three"}},
		"m/cmd":           {Name: "main", Imports: []string{"d/three"}},
		"m [m.test]":      {ForTest: "m", Imports: []string{"d/three"}},
		"m.test":          {Name: "main", Imports: []string{"d/three"}},
		"d/one":           {DepOnly: true},
		"d/two":           {DepOnly: true, Imports: []string{"d/four"}},
		"d/three":         {DepOnly: true},
		"d/four":          {DepOnly: true},
		"fmt":             {DepOnly: true, Standard: true},
	}
	require.Equal(t, map[string]bool{"m": true, "m/internal/a": true, "d/one": true, "d/two": true, "d/four": true}, reachable(packages))
}
