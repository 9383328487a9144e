package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.shm.Participants;
import io.github.ringcast.shm.Rights;

/**
 * A member of a queue group of one topic or service, over the rings that take each other's place. For one thread at a time, but
 * for {@link Hand#done}.
 */
public final class GroupReader implements Source {
  private final Participants table;
  private final String path;
  private final String name;
  private final long address0;
  private final long address1;
  private final Purpose purpose;
  private final Shape asked;
  private final Rights rights;
  private final int hands;
  private Member member;

  /** Opens the ring, making it if nobody did, and is a member when it returns. The address is the participant's. */
  public GroupReader(Participants table, String path, String name, long address0, long address1) {
    this(table, path, name, address0, address1, Purpose.TOPIC, Shape.ANY, null, 1);
  }

  /** An instance of a service, which asks for a shape and rights as a publisher does, with so many messages in hand at a time. */
  public static GroupReader ofService(Participants table, String path, long address0, long address1, Shape asked, Rights rights, int hands) {
    return new GroupReader(table, path, "instances", address0, address1, Purpose.SERVICE, asked, rights, hands);
  }

  private GroupReader(Participants table, String path, String name, long address0, long address1, Purpose purpose, Shape asked, Rights rights,
      int hands) {
    this.purpose = purpose;
    this.asked = asked;
    this.rights = rights;
    this.hands = hands;
    this.table = table;
    this.path = path;
    this.name = name;
    this.address0 = address0;
    this.address1 = address1;
    do {
      if (member != null) {
        leave(); // the ring was retired between the two
      }
      member = join(false);
    } while (member.r.retired());
  }

  private Member join(boolean atBegin) {
    Ring r = purpose == Purpose.SERVICE ? RingFiles.openService(table, path, asked, rights) : RingFiles.open(table, path);
    Member m = null;
    try {
      m = Member.join(r, path, name, atBegin, address0, address1, hands);
      return m;
    } finally {
      if (m == null) {
        RingFiles.close(r, path);
      }
    }
  }

  /** One of the hands of the ring that is read now. */
  public Hand hand(int i) {
    return member.hand(i);
  }

  /** Whether no other member is there. */
  public boolean alone() {
    return member.alone();
  }

  @Override
  public int poll(Received out, boolean waits) {
    return poll(out, 0);
  }

  /** Takes the next message into this hand. */
  public int poll(Received out, int hand) {
    for (;;) {
      int found = member.poll(out, member.hand(hand));
      if (found == Received.MESSAGE && out.bytes.get(out.at + SLOT_HEADER_KIND_OFFSET) == MessageKind.System) {
        continue; // never shown
      }
      if (found != Received.ENDED) {
        return found;
      }
      long lost = member.abandonRest();
      Member old = member;
      member = join(true);
      leave(old);
      if (lost > 0) {
        out.lagged(0, lost);
        return out.type;
      }
    }
  }

  private void leave() {
    leave(member);
  }

  /**
   * Leaves, if no message has come meanwhile that nobody will take: callers look for members behind their commit, so one of the
   * two sees the other (spec/messaging.md, 8). False: there is one, and this is a member again.
   */
  public boolean leaveForGood() {
    Ring r = member.r;
    Queue queue = Queue.of(r, path, name);
    int group = member.group();
    int generation = member.leave();
    boolean needed = queue != null && !queue.hasMembers() && queue.unstarted();
    if (queue != null) {
      queue.close();
    }
    if (needed && !r.retired()) {
      member = Member.join(r, path, name, false, address0, address1, hands);
      return false;
    }
    left(r, group, generation);
    return true;
  }

  private void leave(Member m) {
    int group = m.group();
    left(m.r, group, m.leave());
  }

  private void left(Ring r, int group, int generation) {
    boolean retired = r.retired();
    RingFiles.close(r, path);
    while (retired && generation != 0) {
      Ring next = RingFiles.openIfThere(table, path);
      if (next == null) {
        return;
      }
      Group.leaveSuccessor(next, group, generation);
      retired = next.retired();
      RingFiles.close(next, path);
    }
  }

  @Override
  public void done() {
    member.done();
  }

  @Override
  public void prepareSleep() {
    member.prepareSleep();
  }

  @Override
  public boolean ready() {
    return member.ready();
  }

  @Override
  public long nap() {
    return member.nap();
  }

  @Override
  public long behind() {
    return member.behind();
  }

  @Override
  public void close() {
    leave();
  }
}
