import java.util.Arrays;
import moa.classifiers.core.driftdetection.ChangeDetector;

/** Feeds a detector of MOA with a whole array, so that MOA's own time can be told from that of the bridge to Python. */
public final class Feed {
    private Feed() {}

    /** Gives the positions at which a change was found. */
    public static int[] all(ChangeDetector detector, double[] values) {
        int[] found = new int[16];
        int n = 0;
        for (int at = 0; at < values.length; at++) {
            detector.input(values[at]);
            if (detector.getChange()) {
                if (n == found.length) {
                    found = Arrays.copyOf(found, 2 * n);
                }
                found[n++] = at;
            }
        }
        return Arrays.copyOf(found, n);
    }
}
