// Package places holds tests of where a domain lies and who may use it, with real
// processes: users and groups, containers with pids of their own, files of other
// versions and other boots, cut off files, file systems and limits that are full.
//
// A puppet is a process of the test binary that does what it is told, line by line,
// as another user or in namespaces of its own. As root the users are real. Without
// root a process has one user only. Tests that need two then run under the uid maps
// of newuidmap if the system has them, and otherwise as one user who gives up rights
// by chmod, which the kernel checks in the same way.
//
// In the environment RINGCAST_PLACES_ROUNDS=N makes the long form of the tests of
// cut off files: every length of every file, and N random scribbles of each:
//
//	RINGCAST_PLACES_ROUNDS=20000 go test -count=1 -v -timeout 30m ./internal/places
package places
