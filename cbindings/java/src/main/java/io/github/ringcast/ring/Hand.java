package io.github.ringcast.ring;

import static io.github.ringcast.fb.Layout.*;

import io.github.ringcast.fb.InHandState;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One message that a member of a queue group has in hand, as a copy, and its row in the group's file: spec/ring.md, 14.
 * It is filled by who takes for the member, then belongs to who handles the message.
 */
public final class Hand {
  private static final long TAG = -1L << 32;
  private static final long CANCEL = 1;
  private static final long WAITING = 2;
  private static final int CREDIT_SHIFT = 2;
  /** Answers of a stream that may be sent before the caller has taken one. */
  public static final int FIRST_CREDIT = 15;

  final GroupFile file;
  final int row;
  final ByteBuffer copy;
  long inHand = -1;
  /** The row of a dead member that is being told of; below 0: none. */
  int reporting = -1;

  Hand(GroupFile file, int row) {
    this.file = file;
    this.row = row;
    copy = ByteBuffer.allocate(file.r.stride).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Says that the message is handled; nothing where there is none. */
  public void done() {
    if (inHand >= 0) {
      file.casHand(row, GroupFile.hand(inHand, InHandState.Confirmed), GroupFile.hand(inHand, InHandState.Free)); // pairs(hand)
      inHand = -1;
    }
  }

  /** Writes whose message the row is about to have in hand: before it is started. */
  void describe(long p, boolean addressed) {
    int at = addressed ? SLOT_HEADER_SIZE + ADDRESS_BLOCK_SOURCE_OFFSET : SLOT_HEADER_PRODUCER_OFFSET;
    long number = copy.getLong(addressed ? SLOT_HEADER_SIZE + ADDRESS_BLOCK_CORRELATION_OFFSET : SLOT_HEADER_SEQUENCE_OFFSET);
    file.writeMessage(row, copy.getLong(at), copy.getLong(at + 8), number);
    file.setControl(row, p << 32 | (long) FIRST_CREDIT << CREDIT_SHIFT);
  }

  private boolean mine(long word) {
    return (word & TAG) == inHand << 32;
  }

  /** Whether the caller of the request in hand has given it up. */
  public boolean canceled() {
    long word = file.control(row); // pairs(control)
    return mine(word) && (word & CANCEL) != 0;
  }

  /** How many answers with more to come the caller of the request in hand allows. */
  public long credit() {
    long word = file.control(row); // pairs(control)
    return mine(word) ? (word & ~TAG) >>> CREDIT_SHIFT : 0;
  }

  /** Leaves word that the taker waits for more credit than so much; true: there is more, or it was canceled: do not sleep. */
  public boolean awaitCredit(long have) {
    for (;;) {
      long word = file.control(row); // pairs(control)
      if (!mine(word) || (word & ~TAG) >>> CREDIT_SHIFT > have || (word & CANCEL) != 0) {
        return true;
      }
      if ((word & WAITING) != 0 || file.casControl(row, word, word | WAITING)) { // pairs(control)
        return false;
      }
    }
  }

  /** Of a caller: the word with CANCEL, or with more credit. */
  static long changed(long word, boolean cancel, long credit) {
    if (cancel) {
      return word | CANCEL;
    }
    long most = (1L << 32 - CREDIT_SHIFT) - 1;
    long had = (word & ~TAG) >>> CREDIT_SHIFT;
    return word & TAG | Math.min(most, had + credit) << CREDIT_SHIFT | word & CANCEL;
  }

  static boolean waiting(long word) {
    return (word & WAITING) != 0;
  }
}
