package io.github.ringcast;

/** Which domain to join, and as whom. A new one asks for nothing; each method returns the object itself. */
public final class DomainConfig {
  String dir;
  String domain = "default";
  String name = "java";
  int node;
  int mode;
  Waiting waiting = Waiting.BLOCK;
  int inFlight = 96;
  int inboxSlotSize = 2048;

  /** The directory that holds the domains. Default: the variable RINGCAST_SHM_DIR, else the user's own below /dev/shm. */
  public DomainConfig dir(String path) {
    dir = path;
    return this;
  }

  /** The domain's name. Default: "default". */
  public DomainConfig domain(String value) {
    domain = value;
    return this;
  }

  /** What this process is called in lists, at most 64 bytes. Default: "java". */
  public DomainConfig name(String value) {
    name = value;
    return this;
  }

  /** Asks for this node id; 0, the default, takes what the directory has. */
  public DomainConfig node(int id) {
    node = id;
    return this;
  }

  /** Mode of the files of a domain made here, such as 0660. Default: 0600. An existing domain must have it. */
  public DomainConfig mode(int bits) {
    mode = bits;
    return this;
  }

  /** How many requests may be open at once; further ones wait. Default: 96; at most 49152. */
  public DomainConfig inFlight(int requests) {
    inFlight = requests;
    return this;
  }

  /** The most bytes of a message or a reply to this process. Default: 2048; up to 16 MiB less 64. */
  public DomainConfig inboxSlotSize(int bytes) {
    inboxSlotSize = bytes;
    return this;
  }

  /** How publishers and subscriptions of this domain wait. */
  public DomainConfig waiting(Waiting value) {
    waiting = value;
    return this;
  }
}
