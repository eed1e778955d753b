using System.Text;
using KvCloud.Client;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>The pages that ask each node for what it remembers, in a real browser.</summary>
[Collection(LiveCollection.Name)]
public sealed class NodePageTests
{
    [Fact]
    public async Task Page_of_a_live_cluster_show_its_log_lines_slots_heat_and_settings()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using KvCloudClient client = cluster.NewClient();
        using var done = new CancellationTokenSource();
        Task writes = WriteAsync(client, done);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;

        await page.GotoAsync("/logs");
        await Expect(page.Locator(".log-lines")).ToContainTextAsync("leads, term");
        await page.Locator("#logs-text").FillAsync("there is no such line");
        await Expect(page.Locator(".log-lines tbody tr")).ToHaveCountAsync(0);
        await AssertSoundAsync(browser);

        await page.GotoAsync("/consensus");
        await Expect(page.Locator(".ballots tbody tr")).ToHaveCountAsync(3);
        await Expect(page.Locator(".ballots")).ToContainTextAsync("leader");
        await Expect(page.Locator(".slots")).ToContainTextAsync("set orders/");
        await Expect(page.Locator(".slots")).ToContainTextAsync("applied");
        await AssertSoundAsync(browser);

        await page.GotoAsync("/heat");
        await Expect(page.Locator(".node-heat").Filter(new() { HasText = "orders/" })).ToBeVisibleAsync();
        await AssertSoundAsync(browser);

        await page.GotoAsync("/slow");
        await Expect(page.GetByText("that took at least 100 ms")).ToBeVisibleAsync();
        await AssertSoundAsync(browser);

        await page.GotoAsync("/config");
        await Expect(page.Locator(".settings")).ToContainTextAsync("consensus.election_timeout_ms");
        await page.Locator("#config-text").FillAsync("instance_id");
        await Expect(page.Locator(".settings tbody tr")).ToHaveCountAsync(1);
        await Expect(page.Locator(".settings")).ToContainTextAsync("node-2");
        await AssertSoundAsync(browser);
        await done.CancelAsync();
        await writes;
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Page_with_a_node_that_hangs_name_it_and_show_the_others()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync();
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        await browser.Page.GotoAsync("/consensus");
        await Expect(browser.Page.Locator(".ballots tbody tr")).ToHaveCountAsync(3);

        cluster.Processes.Pause(2);

        await Expect(browser.Page.Locator(".node-error[data-node='2']")).ToContainTextAsync("no answer within 2 s");
        await Expect(browser.Page.Locator(".ballots tbody tr")).ToHaveCountAsync(2);
        cluster.Processes.Resume(2);
        await Expect(browser.Page.Locator(".ballots tbody tr")).ToHaveCountAsync(3);
        Assert.Empty(browser.Errors);
    }

    [Theory]
    [InlineData("/logs")]
    [InlineData("/consensus")]
    [InlineData("/slow")]
    [InlineData("/heat")]
    [InlineData("/config")]
    public async Task Page_dark_and_narrow_is_readable_and_fits(string path)
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address, 360, scheme: ColorScheme.Dark);
        await browser.Page.GotoAsync(path);
        await Expect(browser.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("1 of 1 voters");
        await Expect(browser.Page.Locator("body")).Not.ToHaveCSSAsync("background-color", "rgb(255, 255, 255)");
        await AssertSoundAsync(browser);
        Assert.True(
            await browser.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
            "the page is wider than the window");
        Assert.Empty(browser.Errors);
    }

    private static async Task WriteAsync(KvCloudClient client, CancellationTokenSource done)
    {
        for (int index = 0; !done.IsCancellationRequested; index++)
        {
            await client.SetAsync(Bytes($"orders/{index % 100}"), Bytes("value"));
        }
    }

    private static async Task AssertSoundAsync(Browser browser)
    {
        string violations = await browser.FindAccessibilityViolationsAsync();
        Assert.True(violations.Length == 0, violations);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
