namespace KvCloud.Bench.Load;

/// <summary>
/// Ranks from 0 to n - 1, rank i with probability proportional to 1 / (i + 1)^theta. After Gray et al., "Quickly
/// Generating Billion-Record Synthetic Databases" (SIGMOD 1994), as YCSB does it.
/// </summary>
internal sealed class ZipfSampler
{
    private readonly long _count;
    private readonly double _alpha;
    private readonly double _eta;
    private readonly double _zetaOfCount;
    private readonly double _secondRankBound;

    public ZipfSampler(long count, double theta)
    {
        if (theta is not (> 0 and < 1))
        {
            throw new BenchException($"--theta {theta} must be between 0 and 1, exclusive");
        }

        _count = count;
        _zetaOfCount = Zeta(count, theta);
        _alpha = 1 / (1 - theta);
        _eta = (1 - Math.Pow(2.0 / count, 1 - theta)) / (1 - (Zeta(2, theta) / _zetaOfCount));
        _secondRankBound = 1 + Math.Pow(0.5, theta);
    }

    public long Next(SeededRandom random)
    {
        double u = random.NextDouble();
        double scaled = u * _zetaOfCount;
        if (scaled < 1 || _count == 1)
        {
            return 0;
        }

        // For two keys eta is 0 / 0, but the second rank covers the whole remainder anyway.
        if (scaled < _secondRankBound || _count == 2)
        {
            return 1;
        }

        return Math.Min(_count - 1, (long)(_count * Math.Pow((_eta * u) - _eta + 1, _alpha)));
    }

    private static double Zeta(long count, double theta)
    {
        double sum = 0.0;
        for (long i = 1; i <= count; i++)
        {
            sum += Math.Pow(i, -theta);
        }

        return sum;
    }
}
