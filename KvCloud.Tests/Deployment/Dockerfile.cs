using System.Diagnostics;
using KvCloud.LocalCluster;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>One instruction: its keyword in capitals, and the rest of its line.</summary>
internal sealed record DockerInstruction(string Keyword, string Text)
{
    public string[] Words => Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>KvCloud.Node/Dockerfile: its instructions, and its build stage carried out without Docker.</summary>
internal static class Dockerfile
{
    private static readonly string[] Ignored = ["bin", "obj"];

    /// <summary>Each stage begins with its FROM.</summary>
    public static IReadOnlyList<IReadOnlyList<DockerInstruction>> Stages()
    {
        var stages = new List<List<DockerInstruction>>();
        string text = string.Join('\n', File
            .ReadAllLines(Repository.File("KvCloud.Node", "Dockerfile"))
            .Where(line => line.Length > 0 && !line.StartsWith('#')));
        foreach (string line in text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        {
            string keyword = line[..line.IndexOf(' ', StringComparison.Ordinal)];
            if (keyword == "FROM")
            {
                stages.Add([]);
            }

            stages[^1].Add(new DockerInstruction(keyword, line[(keyword.Length + 1)..].Trim()));
        }

        return stages;
    }

    /// <summary>
    /// Carries out COPY and RUN of the build stage in an empty folder, with the repository as the context: what COPY
    /// forgets, the build lacks. Gives back the folder that the last stage copies.
    /// </summary>
    public static async Task<string> BuildAsync(string folder)
    {
        IReadOnlyList<IReadOnlyList<DockerInstruction>> stages = Stages();
        string workingDirectory = stages[0].Single(item => item.Keyword == "WORKDIR").Text;
        foreach (DockerInstruction instruction in stages[0])
        {
            switch (instruction.Keyword)
            {
                case "FROM" or "WORKDIR":
                    break;
                case "COPY":
                    Copy(instruction.Words, folder);
                    break;
                case "RUN":
                    await RunAsync(instruction.Text, folder);
                    break;
                default:
                    throw new InvalidOperationException($"the build stage has {instruction.Keyword}, unknown here");
            }
        }

        string published = stages[1].Single(item => item.Keyword == "COPY").Words[1];
        return Path.Combine(folder, Path.GetRelativePath(workingDirectory, published));
    }

    private static void Copy(string[] words, string folder)
    {
        string target = Path.Combine(folder, words[^1]);
        foreach (string source in words[..^1])
        {
            string path = Repository.File(source);
            if (Directory.Exists(path))
            {
                CopyFolder(path, target);
            }
            else
            {
                File.Copy(path, Path.Combine(target, source));
            }
        }
    }

    private static void CopyFolder(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        foreach (string folder in Directory.EnumerateDirectories(source))
        {
            if (!Ignored.Contains(Path.GetFileName(folder)))
            {
                CopyFolder(folder, Path.Combine(target, Path.GetFileName(folder)));
            }
        }
    }

    private static Task<string> RunAsync(string command, string folder)
    {
        ProcessStartInfo start = DotNet.Command();
        string dotnet = Path.GetDirectoryName(start.FileName) ?? "";
        start.FileName = "/bin/sh";
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        start.WorkingDirectory = folder;
        start.Environment["PATH"] = $"{dotnet}:{Environment.GetEnvironmentVariable("PATH")}";

        // A compiler that stays behind would hold the pipes of its output open.
        start.Environment["UseSharedCompilation"] = "false";
        return ToolRun.OutputAsync(start);
    }
}
