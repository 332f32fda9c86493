/// placeholder until the reader lands
public final class SafeTensorsFile {}
