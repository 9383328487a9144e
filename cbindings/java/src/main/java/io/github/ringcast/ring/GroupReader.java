package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.MessageKind;
import io.github.ringcast.shm.Participants;

/** A member of a queue group of one topic, over the rings that take each other's place. For one thread. */
public final class GroupReader implements Source {
  private final Participants table;
  private final String path;
  private final String name;
  private final long address0;
  private final long address1;
  private Member member;

  /** Opens the ring, making it if nobody did, and is a member when it returns. The address is the participant's. */
  public GroupReader(Participants table, String path, String name, long address0, long address1) {
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
    Ring r = RingFiles.open(table, path);
    Member m = null;
    try {
      m = Member.join(r, path, name, atBegin, address0, address1);
      return m;
    } finally {
      if (m == null) {
        RingFiles.close(r, path);
      }
    }
  }

  @Override
  public int poll(Received out, boolean spinning) {
    for (;;) {
      int found = member.poll(out);
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

  private void leave(Member m) {
    int group = m.group();
    int generation = m.leave();
    boolean retired = m.r.retired();
    RingFiles.close(m.r, path);
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
