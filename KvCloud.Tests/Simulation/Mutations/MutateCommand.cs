using System.Diagnostics;
using System.Globalization;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The command behind eng/mutate: builds each mutation of mutations.toml into a copy of the production code and lets
/// the simulator, as it was built, look for it.
/// </summary>
internal static class MutateCommand
{
    private const string Usage = """
        usage: eng/mutate [--only NAME,NAME] [--seeds N]    look for each mutation in N seeds (default 3000)
        """;

    /// <summary>Mutated code may run for ever.</summary>
    private static readonly TimeSpan MaxRun = TimeSpan.FromMinutes(3);

    private static readonly string[] CopiedFolders =
        ["KvCloud.Consensus", "KvCloud.Protocol", "KvCloud.ServiceDefaults", "KvCloud.Node", "eng"];

    /// <summary>What a mutation can be in.</summary>
    private static readonly string[] MutatedAssemblies = ["KvCloud.Consensus.dll", "KvCloud.Node.dll"];

    public static async Task<int> RunAsync(string[] args)
    {
        string? only = null;
        int seeds = 3_000;
        for (int i = 0; i < args.Length; i += 2)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            bool isUnderstood = args[i] switch
            {
                "--only" => (only = value) is not null,
                "--seeds" => int.TryParse(value, CultureInfo.InvariantCulture, out seeds) && seeds > 0,
                _ => false,
            };
            if (!isUnderstood)
            {
                Console.Error.WriteLine($"mutate: cannot understand '{args[i]} {value}'\n{Usage}");
                return 2;
            }
        }

        CodeMutation[] mutations =
            [.. CodeMutation.Load().Where(mutation => only is null || only.Split(',').Contains(mutation.Name))];
        if (mutations.Length == 0)
        {
            Console.Error.WriteLine($"mutate: there is no mutation '{only}'");
            return 2;
        }

        string work = Directory.CreateTempSubdirectory("kvcloud-mutate-").FullName;
        try
        {
            return await RunAsync(mutations, seeds, work);
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static async Task<int> RunAsync(CodeMutation[] mutations, int seeds, string work)
    {
        string source = Path.Combine(work, "source");
        string simulator = Path.Combine(work, "simulator");
        CopySources(source);
        CopyFiles(AppContext.BaseDirectory, simulator);
        int wrong = 0;
        foreach (CodeMutation mutation in mutations)
        {
            string path = Path.Combine(source, mutation.File);
            string sound = await File.ReadAllTextAsync(path);
            await File.WriteAllTextAsync(path, mutation.Apply(sound));
            string? said = await BuildAsync(source, simulator)
                ? await SimulateAsync(simulator, mutation, seeds)
                : "it does not build";
            await File.WriteAllTextAsync(path, sound);
            bool isAsListed = mutation.Finds is string finds
                ? said?.Contains(finds, StringComparison.Ordinal) ?? false
                : said is null;
            wrong += isAsListed ? 0 : 1;
            Console.WriteLine(
                $"{(isAsListed ? "  " : "! ")}{mutation.Name} (rule {mutation.Rule}): "
                + (said ?? $"not found in {seeds} seeds; {mutation.Unfound ?? $"expected: {mutation.Finds}"}"));
        }

        Console.WriteLine(
            $"{mutations.Length - wrong} of {mutations.Length} mutations are found, or not found, as listed");
        return wrong == 0 ? 0 : 1;
    }

    private static async Task<bool> BuildAsync(string source, string simulator)
    {
        ProcessStartInfo info = DotNet.Command(
            "build",
            Path.Combine(source, "KvCloud.Node"),
            "--configuration",
            "Release",
            "--verbosity",
            "quiet",
            "-p:RunAnalyzers=false",
            "-p:EnforceCodeStyleInBuild=false",
            "-p:TreatWarningsAsErrors=false");
        (int exitCode, string output) = await RunAsync(info, TimeSpan.FromMinutes(5));
        if (exitCode != 0)
        {
            Console.WriteLine(output);
            return false;
        }

        string built = Path.Combine(source, "KvCloud.Node", "bin", "Release", "net10.0");
        foreach (string assembly in MutatedAssemblies)
        {
            File.Copy(Path.Combine(built, assembly), Path.Combine(simulator, assembly), overwrite: true);
        }

        return true;
    }

    /// <summary>
    /// What a checker said first that was expected, or else what was said first; null if nothing was found.
    /// </summary>
    private static async Task<string?> SimulateAsync(string simulator, CodeMutation mutation, int seeds)
    {
        string[] world = mutation.World is string name ? ["--sabotage", name, "--control"] : [];
        ProcessStartInfo info = DotNet.Command(
        [
            "exec",
            Path.Combine(simulator, "KvCloud.Tests.dll"),
            "simulate",
            "--seeds",
            seeds.ToString(CultureInfo.InvariantCulture),
            "--from",
            mutation.From.ToString(CultureInfo.InvariantCulture),
            .. world,
        ]);
        (int _, string output) = await RunAsync(info, MaxRun);
        string[] said = [.. output.Split('\n').Where(line => line.StartsWith("seed ", StringComparison.Ordinal))];
        return mutation.Finds is string finds
            ? said.FirstOrDefault(line => line.Contains(finds, StringComparison.Ordinal)) ?? said.FirstOrDefault()
            : said.FirstOrDefault();
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(ProcessStartInfo info, TimeSpan limit)
    {
        info.RedirectStandardOutput = true;
        using Process process = Process.Start(info)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        return (process.ExitCode, await output);
    }

    private static void CopySources(string to)
    {
        string root = Repository.File();
        CopyFiles(root, to);
        foreach (string folder in CopiedFolders)
        {
            foreach (
                string path in Directory.EnumerateFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories))
            {
                string below = Path.GetRelativePath(root, path);
                if (below.Split(Path.DirectorySeparatorChar) is [_, not ("bin" or "obj"), ..])
                {
                    string copy = Path.Combine(to, below);
                    Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                    File.Copy(path, copy);
                }
            }
        }
    }

    private static void CopyFiles(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from))
        {
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
        }
    }
}
