package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.Reason;
import io.github.ringcast.RingcastException;
import io.github.ringcast.fb.ClaimState;
import io.github.ringcast.fb.EntryMode;
import io.github.ringcast.fb.EntryState;
import io.github.ringcast.fb.InHandState;
import io.github.ringcast.fb.MessageFlag;
import io.github.ringcast.fb.RowState;
import io.github.ringcast.fb.TakeState;
import io.github.ringcast.shm.Clock;
import io.github.ringcast.shm.Hashes;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * One member of a queue group on one ring, with a hand for each message that it has at a time:
 * spec/ring.md, 14. Does not allocate; makes system calls to ask who lives. For one thread at a time,
 * but for {@link Hand#done}.
 */
final class Member {
  private static final int WHOLE = MessageFlag.Begin | MessageFlag.End;
  private static final int LOOKS = 1024;
  private static final long ASK = 100_000_000;
  private static final int NOTHING = 0;
  private static final int THERE = 1;
  private static final int SKIP = 2;
  private static final int OVERRUN = 3;
  private static final int BROKEN = 4;
  private static final int SEALED = 5;

  final Ring r;
  final GroupFile file;
  private final int group;
  private final Hand[] hands;
  /** The one that is being filled. */
  private Hand hand;
  private final int entry;
  private final long entryWord;
  private final Stuck stuck;
  private final Watch thief = new Watch();
  private final int often;

  private long next;
  private long seenEvents = -1;
  private int looks;
  private int begun;
  private long asked;
  private long stealPosition = -1;
  private long stealWord;
  private long missed;
  private boolean beforeWriter;
  private boolean woken;

  private Member(GroupFile file, int group, Hand[] hands, int entry) {
    this.file = file;
    this.group = group;
    this.hands = hands;
    this.entry = entry;
    hand = hands[0];
    r = file.r;
    entryWord = r.entryState(entry);
    stuck = new Stuck(r);
    often = Math.max(1, Math.min(16, r.count / 16));
    next = Group.cursor(r, group);
  }

  /** Joins the group on this ring; one that is not there begins at the tail, or at 0. */
  static Member join(Ring r, String path, String name, boolean atBegin, long address0, long address1, int count) {
    if (!r.gated) {
      throw new RingcastException(Reason.MODE, path + ": a topic of mode latest has no queue groups");
    }
    GroupFile f = GroupFile.openOrMake(r, path, name);
    Hand[] hands = new Hand[count];
    boolean joined = false;
    try {
      int group = Group.settle(f, Hashes.fnv32(name), atBegin);
      for (int i = 0; i < count; i++) {
        hands[i] = new Hand(f, takeRow(f));
        f.writeTaker(hands[i].row, address0, address1);
      }
      Member m = new Member(f, group, hands, Entries.joinGroup(r, EntryMode.Member, group + 1));
      joined = true;
      m.missed = Group.comeBack(f, group);
      m.next = Group.cursor(r, group);
      return m;
    } finally {
      if (!joined) {
        giveBack(f, hands);
        f.close();
      }
    }
  }

  private static void giveBack(GroupFile f, Hand[] hands) {
    for (Hand h : hands) {
      if (h != null) {
        f.casRow(h.row, held(f.r), held(f.r) & ~0xffffL | RowState.Free); // pairs(row)
      }
    }
  }

  private static long held(Ring r) {
    return Entries.word(r.table.generation(), r.me, RowState.Held);
  }

  private static int takeRow(GroupFile f) {
    for (int tries = 0; tries < 2; tries++) {
      for (int i = 0; i < GroupFile.ROWS; i++) {
        long state = f.rowState(i);
        if (((int) state & 0xffff) == RowState.Free && f.casRow(i, state, held(f.r))) { // pairs(row)
          f.setHand(i, GroupFile.hand(0, InHandState.Free)); // whatever a predecessor left there
          return i;
        }
      }
      f.reportDead();
    }
    throw new RingcastException(Reason.GROUP_FULL, "queue group: all " + GroupFile.ROWS + " rows for members are taken");
  }

  /** Ends what the last call handed out: the message was handled, the report was told. */
  void done() {
    hand.done();
    if (hand.reporting >= 0) {
      long was = file.hand(hand.reporting);
      file.casHand(hand.reporting, was, was & ~3L | InHandState.Free);
      long mine = Entries.word(r.table.generation(), r.me, RowState.Reported);
      file.casRow(hand.reporting, mine, mine & ~0xffffL | RowState.Free); // pairs(row)
      hand.reporting = -1;
      seenEvents = -1; // there may be more
    }
  }

  /** A hand of this member. */
  Hand hand(int i) {
    return hands[i];
  }

  /** Whether it has so many hands at a time. */
  int hands() {
    return hands.length;
  }

  /** Takes the next message into a hand, or tells the next event with it. */
  int poll(Received out, Hand with) {
    hand = with;
    return poll(out);
  }

  /** Takes the next message, or tells the next event. */
  int poll(Received out) {
    done();
    if (++looks % LOOKS == 0) {
      askForOwners();
    }
    if (report(out)) {
      return Received.ABANDONED;
    }
    if (Entries.state(r.entryState(group)) != EntryState.Active) {
      missed += Group.comeBack(file, group);
      next = Math.max(next, Group.cursor(r, group));
    }
    int found = take(out, steal());
    if (missed > 0 && found == Received.NOTHING) {
      return tellMissed(out);
    }
    return found;
  }

  private int tellMissed(Received out) {
    long gate = Group.cursor(r, group);
    out.lagged(gate - missed, gate);
    Group.countMissed(r, group, missed);
    missed = 0;
    return out.type;
  }

  private void askForOwners() {
    long now = Clock.now();
    if (now - asked > ASK) {
      asked = now;
      file.reportDead();
    }
  }

  /** Finds a row of the dead that nobody tells of yet. */
  private boolean report(Received out) {
    long events = file.events(); // pairs(report)
    if (events == seenEvents) {
      return false;
    }
    seenEvents = events;
    for (int i = 0; i < GroupFile.ROWS; i++) {
      long state = file.rowState(i);
      long mine = Entries.word(r.table.generation(), r.me, RowState.Reported);
      if (((int) state & 0xffff) != RowState.Abandoned || !file.casRow(i, state, mine)) { // pairs(row)
        continue;
      }
      if ((file.hand(i) & 3) == InHandState.Confirmed) {
        hand.reporting = i;
        file.tell(i, out);
        return true;
      }
      file.casRow(i, mine, mine & ~0xffffL | RowState.Free); // pairs(row)
    }
    return false;
  }

  /** The position at the gate, if it was taken from who does not go on with it; otherwise -1. */
  private long steal() {
    long gate = Group.cursor(r, group);
    long word = file.take(gate);
    if (Claims.lap(word) != r.lap(gate) || Claims.state(word) != TakeState.Taken) {
      return -1;
    }
    long now = Clock.now();
    if (stealPosition != gate || stealWord != word) {
      stealPosition = gate;
      stealWord = word;
      thief.start(now);
      return -1;
    }
    boolean late = thief.step(now) >= r.shape.commitDeadline();
    if (!late && thief.ask()) {
      int owner = Claims.owner(word);
      long state = owner < GroupFile.ROWS ? file.rowState(owner) : 0;
      late = ((int) state & 0xffff) != RowState.Held || !r.table.alive(Entries.participant(state));
    }
    return late && file.casTake(gate, word, GroupFile.word(r.lap(gate), hand.row, TakeState.Taken)) ? gate : -1; // pairs(take)
  }

  private int take(Received out, long stolen) {
    beforeWriter = false;
    if (stolen >= 0 && copyAndStart(out, stolen)) {
      return out.type;
    }
    boolean fromGate = begun >= often;
    if (fromGate) {
      begun = 0;
      Group.move(file, group);
    }
    for (;;) {
      long gate = Group.cursor(r, group);
      long p = fromGate ? gate : Math.max(next, gate);
      int ended = NOTHING;
      while (p - gate < r.count) {
        if (Claims.lap(file.take(p)) >= r.lap(p)) {
          p++;
          continue;
        }
        ended = look(p);
        if (ended == THERE || ended == SKIP) {
          if (ended == THERE ? takeAt(out, p) : false) {
            next = p + 1;
            return out.type;
          }
          if (ended == SKIP) {
            settle(p, false);
          }
          p++;
          continue;
        }
        if (ended == OVERRUN) {
          missed += Group.advance(file, group, r.tail() - r.count);
          settle(p, true);
          gate = Group.cursor(r, group);
          p = Math.max(p + 1, gate);
          continue;
        }
        break;
      }
      if (ended == BROKEN) {
        r.damage();
      }
      if (ended == BROKEN || ended == SEALED) {
        return out.type = Received.ENDED;
      }
      next = p;
      if (fromGate) {
        return nothing(out);
      }
      fromGate = true; // not from a cursor alone
    }
  }

  private int nothing(Received out) {
    boolean retired = r.retired();
    boolean moved = Group.move(file, group);
    begun = 0;
    if (!retired || moved) {
      return out.type = Received.NOTHING;
    }
    return out.type = look(Math.max(next, Group.cursor(r, group))) == NOTHING && !beforeWriter ? Received.ENDED : Received.NOTHING;
  }

  /** What stands at position p. */
  private int look(long p) {
    long lap = r.lap(p);
    long published = r.published(p); // pairs(publish)
    if (r.exclusive) {
      long is = published & ~Ring.PAD;
      return published == lap ? THERE : is == lap ? SKIP : is < lap ? NOTHING : OVERRUN;
    }
    long tail = r.tail();
    long word = r.claim(p); // pairs(commit)
    long is = Claims.lap(word);
    if (is == lap) {
      switch (Claims.state(word)) {
        case ClaimState.Ready: return THERE;
        case ClaimState.Hole:
        case ClaimState.Quarantined: return SKIP;
        case ClaimState.Writing:
          beforeWriter = !stuck.look(p);
          return beforeWriter ? NOTHING : look(p);
        default: return BROKEN;
      }
    }
    if (is == LAP_LIMIT) {
      return p == 0 && tail == 0 ? SEALED : BROKEN;
    }
    return is > lap ? OVERRUN : tail > p ? BROKEN : NOTHING;
  }

  /** Says that p needs nothing more. */
  private void settle(long p, boolean lost) {
    long word = file.take(p);
    if (Claims.lap(word) < r.lap(p) && file.casTake(p, word, GroupFile.word(r.lap(p), 0, TakeState.Done)) && lost) { // pairs(take)
      missed++;
    }
  }

  private boolean takeAt(Received out, long p) {
    long word = file.take(p);
    return Claims.lap(word) < r.lap(p) && file.casTake(p, word, GroupFile.word(r.lap(p), hand.row, TakeState.Taken)) && copyAndStart(out, p); // pairs(take)
  }

  /** Behind the CAS to TAKEN: copies, checks, starts. False: there is nothing to hand out. */
  private boolean copyAndStart(Received out, long p) {
    ByteBuffer copy = hand.copy;
    int row = hand.row;
    long lap = r.lap(p);
    long claim = r.exclusive ? 0 : r.claim(p);
    ByteBuffer slot = r.chunk(p);
    int at = r.at(p);
    copy.put(0, slot, at, SLOT_HEADER_SIZE);
    int start = copy.getInt(SLOT_HEADER_PAYLOAD_START_OFFSET);
    int length = copy.getInt(SLOT_HEADER_PAYLOAD_LENGTH_OFFSET);
    int flags = copy.getShort(SLOT_HEADER_FLAGS_OFFSET);
    int least = (flags & MessageFlag.Addressed) != 0 ? SLOT_HEADER_SIZE + ADDRESS_BLOCK_SIZE : SLOT_HEADER_SIZE;
    boolean fits = start >= least && start <= r.stride && length >= 0 && length <= r.stride - start;
    if (fits) {
      copy.put(SLOT_HEADER_SIZE, slot, at + SLOT_HEADER_SIZE, start + length - SLOT_HEADER_SIZE);
    }
    VarHandle.acquireFence();
    boolean same = r.exclusive ? (r.published(p) & ~Ring.PAD) == lap && r.tail() <= p + r.count
        : Claims.lap(claim) == lap && Claims.state(claim) == ClaimState.Ready && r.claim(p) == claim;
    boolean whole = (flags & WHOLE) == WHOLE;
    if (!same || !whole || !fits) {
      if (file.casTake(p, GroupFile.word(lap, row, TakeState.Taken), GroupFile.word(lap, 0, TakeState.Done))) { // pairs(take)
        return told(out, p, same, whole, (flags & MessageFlag.Begin) != 0);
      }
      return false;
    }
    hand.describe(p, (flags & MessageFlag.Addressed) != 0);
    file.setHand(row, GroupFile.hand(p, InHandState.Unconfirmed));
    if (!file.casTake(p, GroupFile.word(lap, row, TakeState.Taken), GroupFile.word(lap, row, TakeState.Started))) { // pairs(take)
      file.setHand(row, GroupFile.hand(p, InHandState.Free)); // it was stolen
      return false;
    }
    file.setHand(row, GroupFile.hand(p, InHandState.Confirmed));
    hand.inHand = p;
    begun++;
    out.bytes = copy;
    out.at = 0;
    out.start = start;
    out.length = length;
    out.position = p;
    out.type = Received.MESSAGE;
    return true;
  }

  /** What can't be handed out: true if an event stands in its place. */
  private boolean told(Received out, long p, boolean same, boolean whole, boolean begins) {
    if (!same || !whole) {
      missed += !same || begins ? 1 : 0;
      return false;
    }
    r.count(RING_CONTROL_DAMAGED_OFFSET);
    out.type = Received.DAMAGED;
    out.position = p;
    out.first = p;
    out.last = p;
    out.count = 1;
    return true;
  }

  /** The positions of a ring that was given up which nobody takes any more: told by who moves the gate over them. */
  long abandonRest() {
    return r.sealed() ? 0 : Group.advance(file, group, r.tail());
  }

  void prepareSleep() {
    askForOwners();
    Group.move(file, group);
    woken = Wake.reader(r, entry);
  }

  boolean ready() {
    if (missed > 0 || r.retired() || file.events() != seenEvents || Entries.state(r.entryState(group)) != EntryState.Active) {
      return true;
    }
    beforeWriter = false;
    long gate = Group.cursor(r, group);
    for (long p = gate; p - gate < r.count; p++) {
      if (Claims.lap(file.take(p)) < r.lap(p)) {
        return look(p) != NOTHING;
      }
    }
    return false;
  }

  long nap() {
    long word = file.take(Group.cursor(r, group));
    boolean taken = Claims.state(word) == TakeState.Taken;
    return beforeWriter || !woken || taken ? 1_000_000 : ASK;
  }

  long behind() {
    return Math.max(0, r.tail() - Group.cursor(r, group));
  }

  /** Leaves: what is in hand counts as handled. Returns the generation of the group's entry if this was the last member, otherwise 0. */
  int leave() {
    for (Hand h : hands) {
      hand = h;
      done();
    }
    giveBack(file, hands);
    Entries.leave(r, entry, Entries.generation(entryWord));
    int generation = Entries.generation(r.entryState(group));
    boolean last = !Group.hasMembers(r, group);
    if (last) {
      Group.leaveLast(file, group);
    }
    file.close();
    return last ? generation : 0;
  }

  int group() {
    return group;
  }

  boolean alone() {
    return !Group.othersThan(r, group, entry);
  }
}
