using System.Text;
using KvCloud.Client;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>What an administrator changes in the console: members, users, column families, many keys at once.</summary>
[Collection(LiveCollection.Name)]
public sealed class AdministrationTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("kvcloud-console-").FullName;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public async Task MembersPage_member_that_is_to_lead_leads()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await using KvCloudClient client = cluster.NewClient();
        int other = (await cluster.LeaderAsync(client) + 1) % 3;
        await page.GotoAsync("/members");
        await Expect(page.Locator("tr[data-node]")).ToHaveCountAsync(3);
        await AssertAccessibleAsync(browser);

        await page.GetByRole(AriaRole.Button, new() { Name = $"Lead node-{other}" }).ClickAsync();
        await page.Locator("#confirm").FillAsync($"node-{other}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Lead", Exact = true }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync($"node-{other} leads");
        Assert.Equal(other, await cluster.LeaderAsync(client));

        // What the cluster refuses is told, and changes nothing.
        await page.Locator("#new-node").FillAsync("7");
        await page.Locator("#new-peer").FillAsync("nowhere");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "INVALID_ARGUMENT" })).ToBeVisibleAsync();
        Assert.Equal(3, (await client.GetClusterHealthAsync()).Nodes.Count);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task UsersPage_user_that_is_made_logs_in_with_what_was_granted_and_is_removed()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            replicas: 1, environment: _ => [new("KvCloud__Deployment__FeatureLevelDelayMs", "0")]);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await using KvCloudClient client = cluster.NewClient();
        await HasUsersAsync(client);
        await page.GotoAsync("/users");

        await page.Locator("#new-user").FillAsync("ada");
        await page.Locator("#new-password").FillAsync("ada's password");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add user" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "User ada" })).ToBeVisibleAsync();
        await page.Locator("#grant-prefix").FillAsync("a/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Grant", Exact = true }).ClickAsync();
        await Expect(page.GetByText("read on default 'a/'").First).ToBeVisibleAsync();
        await page.Locator("#token-name").FillAsync("ci");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make a token" }).ClickAsync();
        string token = await page.Locator(".token").InnerTextAsync();
        await AssertAccessibleAsync(browser);

        await using KvCloudClient ada = cluster.NewClient(settings => settings.Token = token);
        KvUser made = Assert.Single((await client.GetAccessAsync()).Users, user => user.Name == "ada");
        Assert.Equal("ci", Assert.Single(made.Tokens).Key);
        Assert.Equal("a/", Encoding.UTF8.GetString(Assert.Single(made.Grants).KeyPrefix.Span));
        await ada.PingAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Remove the user" }).ClickAsync();
        await page.Locator("#confirm").FillAsync("ada");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remove", Exact = true }).Last.ClickAsync();
        await Expect(page.GetByText("No users.")).ToBeVisibleAsync();
        Assert.Empty((await client.GetAccessAsync()).Users);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task BackupsPage_lists_the_snapshots_of_an_archive_and_says_of_another_that_it_is_none()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("key"u8.ToArray(), "value"u8.ToArray());
        string archive = Path.Combine(_scratch, "archive");
        (int code, _, string told) = await KvProcess.RunAsync(
            "backup", "create", "--to", archive, "--endpoints", cluster.Endpoints[0]);
        Assert.True(code == 0, told);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(
            cluster.Endpoints,
            environment: new()
            {
                ["Console__Archives__0"] = archive,
                ["Console__Archives__1"] = Path.Combine(_scratch, "nothing"),
            });
        await using Browser browser = await Browser.StartAsync(console.Address);

        await browser.Page.GotoAsync("/backups");

        await Expect(browser.Page.GetByRole(AriaRole.Cell, new() { Name = "whole" })).ToBeVisibleAsync();
        await Expect(browser.Page.GetByText("slots ")).ToBeVisibleAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("nothing");
        await AssertAccessibleAsync(browser);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task DataPage_keys_are_exported_imported_after_a_preview_and_deleted_by_their_prefix()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("a/1"u8.ToArray(), "one\ttab"u8.ToArray());
        await client.SetAsync("b/1"u8.ToArray(), "stays"u8.ToArray());
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await page.GotoAsync("/data");
        await page.GetByRole(AriaRole.Button, new() { Name = "a/ …" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "a/1", Exact = true })).ToBeVisibleAsync();

        await page.GetByText("Export", new() { Exact = true }).ClickAsync();
        await browser.WaitUntilStillAsync();
        IDownload download = await page.RunAndWaitForDownloadAsync(
            () => page.GetByRole(AriaRole.Link, new() { Name = "Download the keys with the prefix a/" }).ClickAsync());
        string exported = Path.Combine(_scratch, "export.tsv");
        await download.SaveAsAsync(exported);
        Assert.Equal("a/1\tone\\ttab\n", await File.ReadAllTextAsync(exported));

        await File.AppendAllTextAsync(exported, "a/2\ttwo\nno tab\n");
        await page.GetByText("Import", new() { Exact = true }).ClickAsync();
        await page.GetByLabel("File to import").SetInputFilesAsync(exported);
        await Expect(page.Locator(".preview")).ToContainTextAsync("1 new");
        await Expect(page.Locator(".preview")).ToContainTextAsync("1 the same");
        await AssertAccessibleAsync(browser);
        Assert.Null(await client.GetAsync("a/2"u8.ToArray()));
        await page.GetByRole(AriaRole.Button, new() { Name = "Write 1 keys" }).ClickAsync();
        await Expect(page.GetByText("1 keys were written")).ToBeVisibleAsync();
        Assert.NotNull(await client.GetAsync("a/2"u8.ToArray()));

        await page.GetByText("Delete all keys with the prefix", new() { Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete the keys with the prefix a/" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("2 keys");
        await page.Locator("#confirm").FillAsync("a/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.GetByText("2 keys were deleted")).ToBeVisibleAsync();
        Assert.Null(await client.GetAsync("a/1"u8.ToArray()));
        Assert.NotNull(await client.GetAsync("b/1"u8.ToArray()));
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task DataPage_column_family_is_created_chosen_and_dropped()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await page.GotoAsync("/data");
        await page.GetByText("Column families", new() { Exact = true }).ClickAsync();

        await page.Locator("#new-cf").FillAsync("orders");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Drop orders" })).ToBeVisibleAsync();
        Assert.Contains("orders", await client.ListColumnFamiliesAsync());

        await page.GetByRole(AriaRole.Button, new() { Name = "Drop orders" }).ClickAsync();
        await page.Locator("#confirm").FillAsync("orders");
        await page.GetByRole(AriaRole.Button, new() { Name = "Drop", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Drop orders" })).ToHaveCountAsync(0);
        Assert.DoesNotContain("orders", await client.ListColumnFamiliesAsync());
        Assert.Empty(browser.Errors);
    }

    /// <summary>They come with a feature level, soon after the start.</summary>
    private static async Task HasUsersAsync(KvCloudClient client)
    {
        for (int attempt = 0; attempt < 100; attempt++)
        {
            KvNodeStatus node = (await client.GetClusterHealthAsync()).Nodes[0];
            if (node.FeatureLevel == node.SupportedFeatureLevel)
            {
                return;
            }

            await Task.Delay(200);
        }

        Assert.Fail("the newest feature level is not active after twenty seconds");
    }

    private static async Task AssertAccessibleAsync(Browser browser)
    {
        string violations = await browser.FindAccessibilityViolationsAsync();
        Assert.True(violations.Length == 0, violations);
    }
}
