using System.Diagnostics;

namespace KvCloud.Tests.Fuzzing;

/// <summary>
/// Runs one parser over many inputs, and holds it to its contract: the typed exception or none, memory that the length
/// of the input justifies, and a bounded time.
/// </summary>
internal sealed class FuzzRun(FuzzTarget target, int seed)
{
    /// <summary>Far more than any input takes, since the machine may be busy with something else.</summary>
    private static readonly TimeSpan LongestInput = TimeSpan.FromSeconds(5);

    private const int MostFindings = 5;
    private const int MostKept = 2_000;
    private const int KeepEvery = 50;

    private readonly Mutator _mutator = new(target, seed);

    public List<FuzzFinding> Findings { get; } = [];

    public long Inputs { get; private set; }

    /// <summary>
    /// Inputs that the parser accepted: if there are none, nothing behind its first check was reached.
    /// </summary>
    public long Accepted { get; private set; }

    public void Run(long inputs)
    {
        int kept = 0;
        for (; Inputs < inputs && Findings.Count < MostFindings; Inputs++)
        {
            byte[] input = _mutator.Next();
            if (FindFault(target, input, out bool isAccepted) is string fault)
            {
                Findings.Add(new FuzzFinding(target.Name, input, fault));
            }
            else if (isAccepted && ++Accepted % KeepEvery == 0 && kept++ < MostKept)
            {
                _mutator.Keep(input);
            }
        }
    }

    /// <summary>What the parser did wrong with this input; null if nothing.</summary>
    public static string? FindFault(FuzzTarget target, byte[] input, out bool isAccepted)
    {
        isAccepted = false;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        long started = Stopwatch.GetTimestamp();
        try
        {
            isAccepted = target.Run([.. input]);
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name}: {exception.Message}\n{exception.StackTrace}";
        }

        TimeSpan took = Stopwatch.GetElapsedTime(started);
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        long mayAllocate = target.BaseBytes + (target.BytesPerByte * input.Length);
        return allocated > mayAllocate ? $"{allocated} bytes were allocated for an input of {input.Length}"
            : took > LongestInput ? $"an input of {input.Length} bytes took {took.TotalSeconds:0.0} s"
            : null;
    }
}
