using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Packaging;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Samples;

/// <summary>The samples built in an empty folder from the packages alone, and their own tests run there.</summary>
[Collection(PackagesCollection.Name)]
public sealed partial class SampleTests(PackagesFixture fixture)
{
    private static readonly string[] NotCopied = ["bin", "obj", "packages"];

    [Fact]
    public async Task Sample_from_the_packages_alone_passes_its_own_tests()
    {
        string folder = fixture.NewFolder();
        Copy(new DirectoryInfo(Repository.File("samples")), folder);
        string feed = Directory.CreateDirectory(Path.Combine(folder, "packages")).FullName;
        foreach (string package in Directory.EnumerateFiles(fixture.Feed))
        {
            File.Copy(package, Path.Combine(feed, Path.GetFileName(package)));
        }

        // Packages of others come from where this repository has restored them to, ours from the feed.
        string ours = Path.Combine(folder, "restored");
        string others = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        ProcessStartInfo test = DotNet.Command(
            "test", Path.Combine(folder, "Tickets", "Tickets.Tests"), "--logger", "console;verbosity=minimal",
            $"-p:RestorePackagesPath={ours}", $"-p:RestoreFallbackFolders={others}",
            $"-p:KvCloudVersion={fixture.Packages["KvCloud.Client"].Version}");
        test.WorkingDirectory = folder;
        test.Environment["TMPDIR"] = Directory.CreateDirectory(Path.Combine(folder, "tmp")).FullName;
        string output = await PackagesFixture.RunAsync(test);

        Match passed = Passed().Match(output);
        Assert.True(passed.Success, output);
        Assert.InRange(int.Parse(passed.Groups[1].ValueSpan, CultureInfo.InvariantCulture), 3, int.MaxValue);
        Assert.True(
            Directory.Exists(Path.Combine(ours, "kvcloud.aspire.hosting")),
            $"an older KvCloud.Aspire.Hosting in {others} was tested instead; remove it");

        // A cluster without a volume leaves nothing behind.
        Assert.Empty(Directory.EnumerateDirectories(Path.Combine(folder, "tmp"), "kvcloud-*"));
    }

    private static void Copy(DirectoryInfo from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (FileInfo file in from.EnumerateFiles())
        {
            file.CopyTo(Path.Combine(to, file.Name));
        }

        foreach (DirectoryInfo folder in from.EnumerateDirectories().Where(folder => !NotCopied.Contains(folder.Name)))
        {
            Copy(folder, Path.Combine(to, folder.Name));
        }
    }

    [GeneratedRegex(@"Failed: +0, Passed: +(\d+)")]
    private static partial Regex Passed();
}
