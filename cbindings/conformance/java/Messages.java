import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.Message;
import java.nio.ByteBuffer;
import orders.Line;
import orders.Order;

/** The messages of the conformance run, by their number: doc.go says what they are. */
final class Messages {
  static final int SLOT = 256;
  static final int SCHEMA = 0x4f524445;
  private static final int ORDER = 6;
  private static final int[] SIZES = {0, 1, 63, SLOT, SLOT + 1, 800, 0, 17};
  private static final int[] WHOLE = {0, 1, 63, SLOT, SLOT, SLOT - 1, 0, 17};
  private static final int[] HALF = {0, 1, 63, SLOT, SLOT + 1, SLOT - 1, 0, 17};

  private Messages() {}

  static boolean isOrder(long n) {
    return n % 8 == ORDER;
  }

  static int size(long n, String what) {
    return (what.equals("whole") ? WHOLE : what.equals("half") ? HALF : SIZES)[(int) (n % 8)];
  }

  static byte[] bytes(long n, int size) {
    byte[] b = new byte[size];
    for (int i = 0; i < size; i++) {
      b[i] = (byte) (n * 31 + i * 7L);
    }
    return b;
  }

  static void build(FlatBufferBuilder b, long n) {
    int item = b.createString("tea");
    int customer = b.createString("c" + n);
    int line = Line.createLine(b, item, n % 7 + 1, n * 100);
    int lines = Order.createLinesVector(b, new int[] {line});
    b.finish(Order.createOrder(b, n, customer, lines));
  }

  /** What is wrong with a message; null: nothing. */
  static String wrong(Message m) {
    long n = m.sequence();
    if (isOrder(n)) {
      return wrongOrder(m, n);
    }
    ByteBuffer got = m.payload();
    int size = got.remaining();
    if (m.flatBuffer() || size != size(n, "all") && size != size(n, "whole") || !got.equals(ByteBuffer.wrap(bytes(n, size)))) {
      return "message " + n + ": wrong bytes, " + size + " of them";
    }
    return null;
  }

  private static String wrongOrder(Message m, long n) {
    if (!m.flatBuffer() || m.schema() != SCHEMA) {
      return "message " + n + ": not an order, schema " + Integer.toHexString(m.schema());
    }
    Order o = Order.getRootAsOrder(m.payload());
    if (o.number() != n || !("c" + n).equals(o.customer()) || o.linesLength() != 1) {
      return "message " + n + ": order " + o.number() + " of " + o.customer() + " with " + o.linesLength() + " lines";
    }
    Line line = o.lines(0);
    if (!"tea".equals(line.item()) || line.quantity() != n % 7 + 1 || line.cents() != n * 100) {
      return "message " + n + ": line of " + line.item() + ", " + line.quantity() + ", " + line.cents() + " cents";
    }
    return null;
  }
}
