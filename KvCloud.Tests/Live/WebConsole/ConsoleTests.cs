using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using KvCloud.Client;
using Microsoft.Playwright;
using Xunit.Abstractions;
using static Microsoft.Playwright.Assertions;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>The console against a live cluster, in a real browser.</summary>
[Collection(LiveCollection.Name)]
public sealed class ConsoleTests(ITestOutputHelper output)
{
    private const string Key = "orders/1";

    [Fact]
    public async Task ClusterPage_leader_that_is_killed_is_red_and_its_successor_is_named()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        await browser.Page.GotoAsync("/");
        ILocator up = browser.Page.Locator(".replica-healthy");
        await Expect(up).ToHaveCountAsync(3);
        await Expect(browser.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("3 of 3 voters");
        await using KvCloudClient admin = cluster.NewClient();
        int leader = await cluster.LeaderAsync(admin);

        // What happened before the console was there, as the nodes remember it.
        await Expect(browser.Page.Locator(".events")).ToContainTextAsync($"node-{leader} leads, term ");
        await Expect(browser.Page.Locator(".events")).ToContainTextAsync("this replica has started");
        await AssertAccessibleAsync(browser);

        await cluster.Processes.KillAsync(leader);
        long killed = Stopwatch.GetTimestamp();
        await Expect(browser.Page.Locator($".replica-down[data-node='{leader}']")).ToBeVisibleAsync();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"from SIGKILL to red: {Stopwatch.GetElapsedTime(killed).TotalMilliseconds:F0} ms"));
        await Expect(browser.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("2 of 3 voters, node-");
        await Expect(browser.Page.Locator(".events")).ToContainTextAsync($"node-{leader} does not answer");
        await Expect(browser.Page.Locator(".events")).ToContainTextAsync(
            new Regex(string.Join('|', Enumerable.Range(0, 3).Where(id => id != leader)
                .Select(id => $"node-{id} leads, term "))));

        cluster.Processes.Start(leader);
        await Expect(up).ToHaveCountAsync(3);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task DataPage_key_that_is_edited_is_written_and_one_changed_meanwhile_is_not()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync(Bytes(Key), Bytes("first"));
        await client.SetAsync(Bytes(Key), Bytes("{\"state\": \"open\"}"));
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await page.GotoAsync("/data");
        await page.GetByRole(AriaRole.Button, new() { Name = "orders/ …" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = Key, Exact = true }).ClickAsync();
        ILocator value = page.Locator("#value");
        await Expect(value).ToHaveValueAsync("{\n  \"state\": \"open\"\n}");
        await AssertAccessibleAsync(browser);

        await value.FillAsync("{\"state\": \"paid\"}");
        await Expect(page.Locator(".diff .inserted").Filter(new() { HasText = "paid" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("Written as version")).ToBeVisibleAsync();
        Assert.Equal("{\"state\": \"paid\"}", await ReadAsync(client));

        // What is typed while it is being saved is not lost.
        await value.FillAsync("{\"state\": \"sent\"}");
        ILocator save = page.GetByRole(AriaRole.Button, new() { Name = "Save" });
        await Expect(save).ToBeEnabledAsync();
        await save.EvaluateAsync("""
            save => {
                save.click();
                const value = document.getElementById('value');
                value.value = '{"state": "sent", "typed": "on"}';
                value.dispatchEvent(new Event('input', { bubbles: true }));
            }
            """);
        await Expect(page.Locator(".diff .inserted").Filter(new() { HasText = "typed" })).ToBeVisibleAsync();
        await Expect(value).ToBeEditableAsync();
        await Expect(page.Locator(".diff .deleted").Filter(new() { HasText = "sent" })).ToBeVisibleAsync();
        Assert.Equal("{\"state\": \"sent\"}", await ReadAsync(client));
        await Expect(value).ToHaveValueAsync("{\"state\": \"sent\", \"typed\": \"on\"}");

        // Somebody else is faster.
        await value.FillAsync("{\"state\": \"mine\"}");
        await client.SetAsync(Bytes(Key), Bytes("{\"state\": \"theirs\"}"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("Somebody else has changed this key")).ToBeVisibleAsync();
        await Expect(value).ToHaveValueAsync("{\"state\": \"mine\"}");
        await Expect(page.Locator(".diff .deleted").Filter(new() { HasText = "theirs" })).ToBeVisibleAsync();
        Assert.Equal("{\"state\": \"theirs\"}", await ReadAsync(client));

        // And what was there at first is put back.
        await page.GetByRole(AriaRole.Button, new() { Name = "Read again" }).ClickAsync();
        await Expect(value).ToHaveValueAsync("{\n  \"state\": \"theirs\"\n}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await page.GetByRole(AriaRole.Row).Filter(new() { HasText = "first" })
            .GetByRole(AriaRole.Button).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("5 bytes, version")).ToBeVisibleAsync();
        Assert.Equal("first", await ReadAsync(client));
        Assert.Empty(browser.Errors);
    }

    [Theory]
    [InlineData("/", 360, ColorScheme.Dark)]
    [InlineData("/data", 360, ColorScheme.Dark)]
    [InlineData("/members", 360, ColorScheme.Dark)]
    [InlineData("/users", 360, ColorScheme.Dark)]
    [InlineData("/backups", 360, ColorScheme.Dark)]
    [InlineData("/", 1280, ColorScheme.Dark)]
    public async Task Page_dark_or_narrow_is_readable_and_fits(string path, int width, ColorScheme scheme)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address, width, scheme: scheme);
        await browser.Page.GotoAsync(path);
        await Expect(browser.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("1 of 1 voters");
        await browser.WaitUntilAsync(
            "getComputedStyle(document.body).backgroundColor !== 'rgb(255, 255, 255)'");
        await AssertAccessibleAsync(browser);
        Assert.True(
            await browser.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
            "the page is wider than the window");
        Assert.Empty(browser.Errors);
    }

    private static async Task AssertAccessibleAsync(Browser browser)
    {
        string violations = await browser.FindAccessibilityViolationsAsync();
        Assert.True(violations.Length == 0, violations);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static async Task<string> ReadAsync(KvCloudClient client) =>
        Encoding.UTF8.GetString((await client.GetAsync(Bytes(Key)))!);
}
