package io.github.ringcast.ring;

import io.github.ringcast.fb.InHandState;
import io.github.ringcast.fb.RowState;
import io.github.ringcast.fb.TakeState;
import java.lang.invoke.VarHandle;

/**
 * A queue group as it looks to who publishes for it: whether anybody reads, whose hands hold what, and the way to take back what
 * nobody has started: spec/messaging.md, 9. Blocks nowhere. For several threads.
 */
public final class Queue {
  private static final int TRIES = 1000;

  private final GroupFile file;
  private final int entry;

  private Queue(GroupFile file, int entry) {
    this.file = file;
    this.entry = entry;
  }

  /** The group of that name on an open ring; null where nobody has ever joined it. Makes system calls. */
  public static Queue of(Ring r, String path, String group) {
    GroupFile f = GroupFile.ifThere(r, GroupFile.path(r, path, group));
    if (f == null) {
      return null;
    }
    int entry = (int) f.gate() - 1;
    if (entry < 0 || entry >= io.github.ringcast.fb.Layout.ENTRY_COUNT) {
      f.close();
      return null;
    }
    return new Queue(f, entry);
  }

  /** Whether the group has a member, dead ones that nobody has recovered among them. */
  public boolean hasMembers() {
    VarHandle.fullFence(); // behind a commit, in the total order
    return Group.hasMembers(file.r, entry);
  }

  /** Whether there is a position that nobody has started, nor stepped over. */
  public boolean unstarted() {
    Group.move(file, entry);
    long gate = Group.cursor(file.r, entry);
    return file.r.tail() > gate && !GroupFile.settled(file.take(gate), file.r.lap(gate));
  }

  /** Takes position p back; true: nobody has started it and nobody will. */
  public boolean withdraw(long p) {
    long lap = file.r.lap(p);
    for (int i = 0; i < TRIES; i++) {
      long word = file.take(p); // pairs(take)
      long is = Claims.lap(word);
      int state = Claims.state(word);
      if (is > lap || p - Group.cursor(file.r, entry) >= file.r.count) {
        return false;
      }
      if (is == lap && state != TakeState.Taken) {
        return state == TakeState.Done;
      }
      if (file.casTake(p, word, GroupFile.word(lap, 0, TakeState.Done))) { // pairs(take)
        Group.move(file, entry);
        return true;
      }
    }
    return false;
  }

  /** Is told of a message in a hand: its correlation, its taker's address as two words, the row and the position. */
  private interface Visitor {
    /** False ends the visit. */
    boolean hand(int row, long position, long correlation, long taker0, long taker1);
  }

  /** Is told of one of one's own messages that is in a hand. */
  public interface InHand {
    void taken(long correlation, long taker0, long taker1);
  }

  /** Calls with each message of the caller that is in a hand, or was when its taker died and was not told of yet. */
  public void inHand(long caller0, long caller1, InHand visit) {
    each(caller0, caller1, (row, position, correlation, taker0, taker1) -> {
      visit.taken(correlation, taker0, taker1);
      return true;
    });
  }

  private void each(long caller0, long caller1, Visitor visit) {
    for (int i = 0; i < GroupFile.ROWS; i++) {
      for (int tries = 0; tries < TRIES; tries++) {
        long state = file.rowState(i); // pairs(row)
        long hand = file.hand(i); // pairs(hand)
        if (((int) state & 0xffff) == RowState.Free || (hand & 3) == InHandState.Free || !holds(i, hand)) {
          break;
        }
        long by0 = file.rowWord(i, GroupFile.CALLER);
        long by1 = file.rowWord(i, GroupFile.CALLER + 8);
        long correlation = file.rowWord(i, GroupFile.CORRELATION);
        long taker0 = file.rowWord(i, GroupFile.TAKER_OF_ROW);
        long taker1 = file.rowWord(i, GroupFile.TAKER_OF_ROW + 8);
        VarHandle.acquireFence();
        if (file.rowState(i) != state || file.hand(i) >>> 2 != hand >>> 2) {
          continue;
        }
        if (by0 == caller0 && by1 == caller1 && !visit.hand(i, hand >>> 2, correlation, taker0, taker1)) {
          return;
        }
        break;
      }
    }
  }

  private boolean holds(int row, long hand) {
    long p = hand >>> 2;
    return (hand & 3) == InHandState.Confirmed || file.take(p) == GroupFile.word(file.r.lap(p), row, TakeState.Started); // pairs(take)
  }

  /** Tells the taker of a request that its caller has given it up, and rings its bell. */
  public void cancel(long caller0, long caller1, long correlation) {
    control(caller0, caller1, correlation, true, 0);
  }

  /** Adds to the credit of a request's stream, and rings the taker's bell if it waits for that. */
  public void grant(long caller0, long caller1, long correlation, int n) {
    control(caller0, caller1, correlation, false, n);
  }

  private void control(long caller0, long caller1, long wanted, boolean cancel, int credit) {
    each(caller0, caller1, (row, position, correlation, taker0, taker1) -> {
      if (correlation != wanted) {
        return true;
      }
      for (int i = 0; i < TRIES; i++) {
        long word = file.control(row); // pairs(control)
        if (word >>> 32 != (position & 0xffffffffL)) {
          return false;
        }
        if (file.casControl(row, word, Hand.changed(word, cancel, credit))) { // pairs(control)
          if (cancel || Hand.waiting(word)) {
            file.r.table.ring(Entries.participant(file.rowState(row)));
          }
          return false;
        }
      }
      return false;
    });
  }

  /** Lets the file go. */
  public void close() {
    file.close();
  }
}
