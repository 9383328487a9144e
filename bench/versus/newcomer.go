package main

// newcomer lists what somebody types, who has the registries' usual tools and nothing of the
// system, until a first message has gone from one process to another: each command, and each
// program that has to be written counts as one. By the projects' own first pages.
var newcomer = map[string][]string{
	ours:         {"make build", "bin/ringcast sub greetings", "echo hello | bin/ringcast pub greetings"},
	"aeron":      {"fetch the jars (Maven)", "write a publisher", "write a subscriber", "compile", "start the media driver", "start the subscriber", "start the publisher"},
	"iceoryx2":   {"cargo new", "cargo add iceoryx2", "write a publisher", "write a subscriber", "cargo run, subscriber", "cargo run, publisher"},
	"zeromq":     {"pip install pyzmq", "write a publisher", "write a subscriber", "start the subscriber", "start the publisher"},
	"nats":       {"go install the server", "go install the command-line tool", "nats-server", "nats sub greetings", "nats pub greetings hello"},
	"zenoh":      {"pip install eclipse-zenoh", "write a publisher", "write a subscriber", "start the subscriber", "start the publisher"},
	"cyclonedds": {"pip install cyclonedds", "write a type", "write a publisher", "write a subscriber", "start the subscriber", "start the publisher"},
	"unix":       {"apt-get install netcat-openbsd", "nc -lU greetings", "echo hello | nc -U greetings"},
	"norm":       {"apt-get install libnorm-dev", "write a sender", "write a receiver", "compile", "start the receiver", "start the sender"},
	"grpc":       {"go mod init", "go install the generators", "write a schema", "generate", "write a server", "write a client", "start the server", "start the client"},
}
