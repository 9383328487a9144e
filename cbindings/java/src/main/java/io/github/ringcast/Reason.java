package io.github.ringcast;

/** Why a call was refused. */
public enum Reason {
  /** A name, a size or a configuration that makes no sense. */
  INVALID,
  /** Not a name, or not a pattern. */
  NAME,
  /** A system call failed. */
  SYSTEM,
  /** No rights to a file, or somebody else's directory. */
  PERMISSION,
  /** The file system is full. */
  NO_SPACE,
  /** There is no such file. */
  NOT_FOUND,
  /** A file that is not Ringcast's: do not touch it. */
  NOT_OURS,
  /** Another version of Ringcast uses this directory. */
  OTHER_VERSION,
  /** A file, or a ring, with impossible content. */
  DAMAGED,
  /** Somebody holds the file and does not let go. */
  IN_USE,
  /** No participant record is free. */
  DOMAIN_FULL,
  /** No entry of the ring is free. */
  READERS_FULL,
  /** The topic was written in another shape. */
  SHAPE,
  /** Another living publisher owns the exclusive topic. */
  NOT_EXCLUSIVE,
  /** Larger than the topic takes. */
  TOO_LARGE,
  /** The claim was held for too long and was taken: nothing was sent. */
  FENCED,
  /** A claim is open, or handles are. */
  BUSY,
  /** A queue group needs a reliable topic; this one is of mode latest. */
  MODE,
  /** The queue group has as many members as it can have. */
  GROUP_FULL,
  /** The handle, or its domain, was closed. */
  CLOSED,
  /** The name is a topic where a service was asked for, or the other way round. */
  NAME_KIND,
  /** No instance answers to the name: the request did not run. */
  NO_SERVICE,
  /** A queue, an inbox, or the caller's own inbox is full: the request did not run. */
  OVERLOADED,
  /** Whoever had the request in hand is gone: nobody knows whether it ran. */
  INSTANCE_DIED,
  /** Nobody has the address any more, or ever had it. */
  GONE,
  /** The participant has not asked for messages. */
  NO_INBOX,
  /** There is no way to the address's node. */
  NODE_DOWN,
  /** The request's time is over: nobody knows whether it ran. */
  DEADLINE,
  /** The request was given up: nobody knows whether it ran. */
  CANCELED,
  /** The handler ended without an answer, or broke down. */
  NO_REPLY,
  /** The answer does not fit the caller's inbox. */
  REPLY_TOO_LARGE,
  /** The handler's own error: a {@link ReplyException}. */
  APPLICATION,
  /** The request already has its last answer. */
  ANSWERED,
  /** The caller of the request takes only one answer. */
  ONE_REPLY,
  /** The message is no request that can be answered. */
  NOT_ADDRESSED,
  /** Known, but not built in this implementation. */
  UNSUPPORTED
}
