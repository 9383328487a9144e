import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.Claim;
import io.github.ringcast.Domain;
import io.github.ringcast.Message;
import io.github.ringcast.Publisher;
import io.github.ringcast.Subscription;
import orders.Line;
import orders.Order;

/** Builds an order in a claimed slot, and reads it where it lies: nothing is copied. */
public final class Orders {
  private static final long SECOND = 1_000_000_000L;

  private Orders() {}

  public static void main(String[] args) throws InterruptedException {
    try (Domain domain = Domain.open(); Publisher publisher = domain.publisher("orders"); Subscription subscription = domain.subscribe("orders")) {
      try (Claim claim = publisher.claim(publisher.slotSize())) {
        FlatBufferBuilder builder = claim.builder();
        int item = builder.createString("tea");
        int customer = builder.createString("Ada");
        int line = Line.createLine(builder, item, 3, 450);
        int lines = Order.createLinesVector(builder, new int[] {line});
        builder.finish(Order.createOrder(builder, 17, customer, lines));
        claim.commit(builder);
      }
      Message message = subscription.next(SECOND);
      Order order = Order.getRootAsOrder(message.payload());
      System.out.println("order " + order.number() + " of " + order.customer() + ": " + order.lines(0).quantity() + " " + order.lines(0).item());
    }
  }
}
