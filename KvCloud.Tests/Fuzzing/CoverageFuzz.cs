using SharpFuzz;

namespace KvCloud.Tests.Fuzzing;

/// <summary>
/// One parser as a target of afl-fuzz, which sees by SharpFuzz's instrumentation which branches an input takes, and
/// changes further those that take new ones. eng/fuzz-coverage prepares the program and starts afl-fuzz.
/// </summary>
internal static class CoverageFuzz
{
    /// <summary>The seeds of the parser as files, from which afl-fuzz begins.</summary>
    public static void WriteSeeds(FuzzTarget target, string folder)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < target.Seeds.Count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, $"seed-{i:000}"), target.Seeds[i]);
        }
    }

    /// <summary>Runs inputs that afl-fuzz sends until it ends; a broken contract is a crash to it.</summary>
    /// <remarks>
    /// The parser is looked up with the first input: before that there is no memory for instrumented code to count in.
    /// </remarks>
    public static void Serve(string name) => Fuzzer.Run(stream =>
    {
        FuzzTarget target = FuzzTargets.Find(name) ?? throw new ArgumentException($"no parser is called {name}");
        using var input = new MemoryStream();
        stream.CopyTo(input);
        if (FuzzRun.FindFault(target, input.ToArray(), out _) is string fault)
        {
            throw new InvalidDataException(fault);
        }
    });

    /// <summary>What afl-fuzz kept as crashes and hangs, judged again and written to the findings.</summary>
    public static int WriteFindings(FuzzTarget target, string folder)
    {
        int findings = 0;
        IEnumerable<string> files = Directory.EnumerateFiles(folder, "id:*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(Path.GetDirectoryName(file)) is "crashes" or "hangs");
        foreach (string file in files)
        {
            byte[] input = File.ReadAllBytes(file);
            if (FuzzRun.FindFault(target, input, out _) is not string fault)
            {
                Console.WriteLine($"  {Path.GetFileName(file)}: not found again");
                continue;
            }

            findings++;
            Console.WriteLine($"  {FindingFiles.Write(new FuzzFinding(target.Name, input, fault))}\n  {fault}");
        }

        return findings;
    }
}
