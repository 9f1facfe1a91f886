import java.io.File;
import java.io.FileOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.StringJoiner;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.FileRecords;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;

/** Kafka's view of our segment files, and a batch of Kafka's for us. */
public class KafkaCheck {
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("read")) read(new File(arguments[1]));
    else write(new File(arguments[1]));
  }

  /** One line for each record; fails when Kafka finds a batch invalid. */
  private static void read(File file) throws Exception {
    FileRecords records = FileRecords.open(file, false);
    int bytes = 0;
    for (RecordBatch batch : records.batches()) {
      batch.ensureValid();
      bytes += batch.sizeInBytes();
      for (Record record : batch) System.out.println(line(record));
    }
    if (bytes != file.length()) throw new IllegalStateException("Kafka saw " + bytes + " of " + file.length() + " bytes");
  }

  private static String line(Record record) {
    record.ensureValid();
    StringJoiner headers = new StringJoiner(",", "[", "]");
    for (Header header : record.headers()) headers.add(hex(header.key().getBytes(StandardCharsets.UTF_8)) + "=" + hex(header.value()));
    String key = record.hasKey() ? '"' + hex(record.key()) + '"' : "-";
    return record.offset() + " " + record.timestamp() + " " + key + " \"" + hex(record.value()) + "\" " + headers;
  }

  private static String hex(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return hex(bytes);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static void write(File file) throws Exception {
    long time = 1_700_000_000_000L;
    Header[] headers = {new RecordHeader("content-type", text("text/plain")), new RecordHeader("über", text("ü"))};
    MemoryRecords records = MemoryRecords.withRecords(RecordBatch.MAGIC_VALUE_V2, 4_294_967_300L, Compression.NONE,
        new SimpleRecord(time, null, text("plain")),
        new SimpleRecord(time + 1, text("schlüssel"), text("größe €")),
        new SimpleRecord(time + 2, text(""), text("")),
        new SimpleRecord(time + 3, null, text("with headers"), headers),
        new SimpleRecord(time + 4, null, text("z".repeat(9_000))));
    try (FileOutputStream out = new FileOutputStream(file)) {
      records.writeFullyTo(out.getChannel());
    }
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
