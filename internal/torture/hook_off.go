//go:build !invariants

package main

// named says that this build has no named points.
const named = false

func mark(string) {}

func install(*board, string) error { return nil }
