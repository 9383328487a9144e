package io.github.ringcast.shm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.flatbuffers.FlatBufferBuilder;
import io.github.ringcast.fb.Departure;
import io.github.ringcast.fb.Directory;
import io.github.ringcast.fb.Ending;
import io.github.ringcast.fb.Interest;
import io.github.ringcast.fb.LostNode;
import io.github.ringcast.fb.NodeInfo;
import io.github.ringcast.fb.NodeService;
import io.github.ringcast.fb.ParticipantInfo;
import io.github.ringcast.fb.RemoteParticipant;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is read of other nodes, and of bytes that are no directory. */
final class RemoteDirectoryTest {
  private static byte[] table(String wanted) {
    FlatBufferBuilder b = new FlatBufferBuilder(1024);
    int interest = Interest.createInterest(b, b.createString(wanted), true, false, false, false, 0L);
    int hidden = Interest.createInterest(b, b.createString("orders.eu"), false, false, true, false, 0L);
    int interests = ParticipantInfo.createInterestsVector(b, new int[] {interest, hidden});
    int info = ParticipantInfo.createParticipantInfo(b, b.createString("desk"), b.createString("1"), interests, 0);
    int row = RemoteParticipant.createRemoteParticipant(b, 3, 7, 1, info, false);
    int rows = NodeInfo.createParticipantsVector(b, new int[] {row});
    int wants = NodeInfo.createWantsVector(b, new int[] {b.createString(wanted), b.createString("all.>")});
    int services = NodeInfo.createServicesVector(b, new int[] {NodeService.createNodeService(b, b.createString("svc"), 2, 8, 4)});
    int departed = NodeInfo.createDepartedVector(b, new int[] {Departure.createDeparture(b, 4, 9, Ending.Died)});
    int name = b.createString("n");
    int node = NodeInfo.createNodeInfo(b, 5, 6, 1, name, name, name, wants, rows, true, services, departed);
    int nodes = Directory.createNodesVector(b, new int[] {node});
    int lost = Directory.createLostVector(b, new int[] {LostNode.createLostNode(b, 8, 1, Ending.Unheard), LostNode.createLostNode(b, 9, 2, Ending.Left)});
    b.finish(Directory.createDirectory(b, nodes, lost, 0, 0));
    return b.sizedByteArray();
  }

  @Test
  void whatItSays() {
    RemoteDirectory d = RemoteDirectory.parse(table("orders.*"));
    assertTrue(d.serves("svc"));
    assertFalse(d.serves("orders"));
    assertEquals(1, d.subscriptions("orders.eu"), "one that is for its own node only does not count");
    assertEquals(1, d.subscriptions("all.that"), "one of a node that lists nobody");
    assertEquals(0, d.subscriptions("prices"));
    assertTrue(d.saidGoodbye(9, 2));
    assertFalse(d.saidGoodbye(8, 1));
    assertEquals(RemoteDirectory.Standing.UP, d.standing(5, 6, 3, 7));
    assertEquals(RemoteDirectory.Standing.GONE, d.standing(5, 6, 3, 6));
    assertEquals(RemoteDirectory.Standing.UNKNOWN, d.standing(5, 6, 3, 8));
    assertEquals(RemoteDirectory.Standing.GONE, d.standing(5, 6, 4, 9));
    assertEquals(RemoteDirectory.Standing.UNKNOWN, d.standing(5, 6, 4, 10));
    assertEquals(RemoteDirectory.Standing.GONE, d.standing(5, 5, 3, 7));
    assertEquals(RemoteDirectory.Standing.NODE_DOWN, d.standing(9, 2, 1, 1));
  }

  @Test
  void aNameThatIsNoneIsRefusedWhole() {
    assertThrows(RuntimeException.class, () -> RemoteDirectory.parse(table("no name")));
  }

  /** Scribbled bytes are read as something, or refused: by an exception, and soon. */
  @Test
  void scribbled() {
    byte[] good = table("orders.*");
    long seed = System.nanoTime();
    System.out.println("RemoteDirectoryTest seed " + seed);
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bad = good.clone();
      for (int k = random.nextInt(4); k >= 0; k--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      try {
        RemoteDirectory.parse(bad);
      } catch (RuntimeException e) {
        refused++;
      }
    }
    assertTrue(refused > 1000, "refused " + refused + " of 20000 with seed " + seed);
  }
}
