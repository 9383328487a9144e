package io.github.ringcast;

import io.github.ringcast.fb.Content;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;

/** A request that is open, or whose outcome nobody has taken yet. Guarded by its desk's lock, but for what is said otherwise. */
final class Call {
  /** Immutable. */
  final long correlation;
  final long due;
  final ServiceQueue service;
  final Address target;
  final boolean many;
  final String asked;
  /** Of a survey: who has not answered, in the end nobody; else null. */
  final Set<Address> waitedFor;
  final int quorum;

  int shares;
  /** Where it lies in the ring of its service; null: in none. */
  ServiceQueue.Spot spot;
  boolean sent;
  /** It may have left its node. */
  boolean away;
  /** The forwarder that it went to; null: it is on this node. */
  Address uplink;
  /** Why its own node has not taken it, where that has instances. */
  RingcastException refused;
  /** What its payload is: a number of Content, and the low half of its schema's hash. */
  int content = Content.Raw;
  int schema;
  /** Bytes of its payload. */
  int size;
  /** A review came before it was sent. */
  boolean missed;
  boolean settled;
  RingcastException error;
  Reply reply;
  int answered;
  /** Answers of many that nobody has taken. */
  final Queue<Reply> answers = new ArrayDeque<>();
  int taken;
  RequestFuture future;
  volatile Thread waiter;

  Call(long correlation, long due, ServiceQueue service, Address target, boolean many, Set<Address> waitedFor, int quorum) {
    this.correlation = correlation;
    this.due = due;
    this.service = service;
    this.target = target;
    this.many = many;
    this.waitedFor = waitedFor;
    this.quorum = quorum;
    if (service != null) {
      service.hold();
    }
    asked = service != null ? "service " + service.name : target != null ? target.toString() : "survey";
  }

  /** Gives one hold of its service back: who sends it has one, and the call until it is settled. */
  void dropService() {
    if (service != null) {
      service.drop();
    }
  }
}
