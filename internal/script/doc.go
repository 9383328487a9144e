// Package script runs programs on behalf of others, one process a call, and answers
// requests with what they write.
//
// A [Program] runs without a shell: its arguments are the program's, whatever bytes they
// have. Each run has a process group of its own, and ends with the first process of the
// group. What that process left behind in the group is killed before the process is reaped.
// So no number is signalled that is somebody else's by then, and nothing stays behind,
// running or as a zombie. A process that has left the group (setsid) goes on.
//
//	start ──▶ feed stdin, take stdout and stderr ──▶ first process ends ──▶ kill group ──▶ reap
//	              └──▶ time over, caller gone, too much output ──▶ kill group ──┘
//
// What is kept of the output is bounded. The first process dies with this one
// (PR_SET_PDEATHSIG), also where this one is killed; its children see their pipes close.
//
// A [Service] makes a program's runs the answers to requests.
package script
