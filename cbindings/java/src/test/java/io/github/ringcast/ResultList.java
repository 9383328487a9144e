package io.github.ringcast;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/** Writes one line a test into target/results, in the form that internal/testsum counts. */
public final class ResultList implements TestExecutionListener {
  private final List<String> lines = new ArrayList<>();
  private TestPlan plan;

  @Override
  public void testPlanExecutionStarted(TestPlan testPlan) {
    plan = testPlan;
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    lines.add("skip " + name(test) + ": " + reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    boolean good = result.getStatus() == TestExecutionResult.Status.SUCCESSFUL;
    if (test.isTest() || !good) {
      lines.add(good ? "ok " + name(test) : "not ok " + name(test) + ": " + why(result));
    }
  }

  /** Class, method and, of tests with parameters, which. */
  private String name(TestIdentifier test) {
    String own = test.getDisplayName();
    String name = "";
    for (TestIdentifier at = test; at != null; at = plan.getParent(at).orElse(null)) {
      TestSource source = at.getSource().orElse(null);
      if (source instanceof MethodSource method) {
        name = method.getMethodName();
      } else if (source instanceof ClassSource type) {
        String simple = type.getClassName().substring(type.getClassName().lastIndexOf('.') + 1);
        return (simple + "." + name + (own.endsWith("()") || own.equals(simple) ? "" : "/" + own)).replace(' ', '_').replace(':', '=');
      }
    }
    return own;
  }

  private static String why(TestExecutionResult result) {
    StringWriter text = new StringWriter();
    result.getThrowable().ifPresent(e -> e.printStackTrace(new PrintWriter(text)));
    String all = text.toString().replace('\n', '|');
    return all.substring(0, Math.min(all.length(), 3000));
  }

  @Override
  public void testPlanExecutionFinished(TestPlan testPlan) {
    try {
      Files.createDirectories(Path.of("target"));
      Files.write(Path.of("target/results"), lines);
    } catch (java.io.IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
