using System.Text;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>Who may see and do what in the console: logins, TLS to the nodes, and pages that are read-only.</summary>
[Collection(LiveCollection.Name)]
public sealed class LoginTests
{
    private const string AdminPassword = "the first password";
    private const string AdaPassword = "ada's password";

    [Fact]
    public async Task LoginPage_each_user_sees_and_changes_what_the_cluster_lets_them()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(environment: Asking);
        await using KvCloudClient admin = AsAdmin(cluster);
        await MakeUserAsync(cluster, admin);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;

        await page.GotoAsync("/data");
        await Expect(page.Locator("#password")).ToBeVisibleAsync();
        await AssertAccessibleAsync(browser);
        await LogInAsync(page, "ada", "not the password");
        await Expect(page.GetByText("The cluster refuses this login")).ToBeVisibleAsync();
        await LogInAsync(page, "ada", AdaPassword);
        await Expect(page.GetByText("PERMISSION_DENIED")).ToBeVisibleAsync();
        await page.Locator("#prefix").FillAsync("a/");
        await page.Locator("#prefix").PressAsync("Enter");
        await page.GetByRole(AriaRole.Button, new() { Name = "a/1", Exact = true }).ClickAsync();
        await page.Locator("#value").FillAsync("hers");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("Written as version")).ToBeVisibleAsync();
        Assert.Equal("hers", Encoding.UTF8.GetString((await admin.GetAsync("a/1"u8.ToArray()))!));

        // Roles and slots are for everybody who has logged in, the nodes' own figures for administrators.
        await page.GotoAsync("/");
        await Expect(page.GetByText("You may not administer the cluster")).ToBeVisibleAsync();
        await Expect(page.Locator(".replica-healthy")).ToHaveCountAsync(3);
        await AssertAccessibleAsync(browser);
        BrowserContextCookiesResult cookie = Assert.Single(
            await page.Context.CookiesAsync(), cookie => cookie.Name == "kvcloud-console");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(SameSiteAttribute.Strict, cookie.SameSite);

        await page.GetByRole(AriaRole.Button, new() { Name = "Log out ada" }).ClickAsync();
        await Expect(page.Locator("#password")).ToBeVisibleAsync();
        await LogInAsync(page, "admin", AdminPassword);
        await Expect(page.Locator(".replica-healthy")).ToHaveCountAsync(3);
        await Expect(page.GetByText("Round trip of /status").First).ToBeVisibleAsync();
        await Expect(page.GetByText("You may not administer the cluster")).ToHaveCountAsync(0);
        Assert.DoesNotContain("password", console.Printed, StringComparison.Ordinal);
        Assert.Empty(browser.Errors);
    }

    /// <summary>A user whose password was changed is asked for the new one, and locks nobody out meanwhile.</summary>
    [Fact]
    public async Task LoginPage_login_that_the_cluster_no_longer_takes_ends_its_pages()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1, environment: Asking);
        await using KvCloudClient admin = AsAdmin(cluster);
        await MakeUserAsync(cluster, admin);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(cluster.Endpoints);
        await using Browser browser = await Browser.StartAsync(console.Address);
        await browser.Page.GotoAsync("/login");
        await LogInAsync(browser.Page, "ada", AdaPassword);
        await Expect(browser.Page.GetByText("You may not administer the cluster")).ToBeVisibleAsync();

        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = AccessChangeKind.SET_PASSWORD,
            Name = "ada",
            Password = "another password",
        });

        await Expect(browser.Page.Locator("#password")).ToBeVisibleAsync();
        await LogInAsync(browser.Page, "ada", "another password");
        await Expect(browser.Page.GetByText("You may not administer the cluster")).ToBeVisibleAsync();
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task ClusterPage_of_nodes_that_speak_tls_asks_them_by_tls()
    {
        using var certificates = new LiveCertificates();
        await using LiveCluster cluster = await LiveCluster.StartAsync(certificates: certificates);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(
            cluster.Endpoints, tls: $";TlsCa={certificates.Bundle}");
        await using Browser browser = await Browser.StartAsync(console.Address);

        await browser.Page.GotoAsync("/");

        await Expect(browser.Page.Locator(".replica-healthy")).ToHaveCountAsync(3);
        await Expect(browser.Page.GetByRole(AriaRole.Status)).ToContainTextAsync("3 of 3 voters");
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task DataPage_outside_of_development_is_read_only_until_somebody_unlocks_it()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("key"u8.ToArray(), "old"u8.ToArray());
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(
            cluster.Endpoints,
            environment: new() { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["Console__AllowWrites"] = "true" });
        await using Browser browser = await Browser.StartAsync(console.Address);
        IPage page = browser.Page;
        await page.GotoAsync("/data");
        await page.GetByRole(AriaRole.Button, new() { Name = "key", Exact = true }).ClickAsync();
        await Expect(page.Locator("pre.value")).ToHaveTextAsync("old");
        await Expect(page.Locator("#value")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Read-only: unlock writes" }).ClickAsync();
        ILocator unlock = page.GetByRole(AriaRole.Button, new() { Name = "Unlock", Exact = true });
        await page.Locator("#confirm").FillAsync("kv");
        await Expect(unlock).ToBeDisabledAsync();
        await page.Locator("#confirm").FillAsync("kvcloud");
        await AssertAccessibleAsync(browser);
        await unlock.ClickAsync();
        await page.Locator("#value").FillAsync("new");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.GetByText("Written as version")).ToBeVisibleAsync();
        Assert.Equal("new", Encoding.UTF8.GetString((await client.GetAsync("key"u8.ToArray()))!));

        await page.GetByRole(AriaRole.Button, new() { Name = "lock again" }).ClickAsync();
        await Expect(page.Locator("#value")).ToHaveCountAsync(0);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task DataPage_outside_of_development_and_not_set_up_to_write_cannot_be_unlocked()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(replicas: 1);
        await using ConsoleProcess console = await ConsoleProcess.StartAsync(
            cluster.Endpoints, environment: new() { ["ASPNETCORE_ENVIRONMENT"] = "Production" });
        await using Browser browser = await Browser.StartAsync(console.Address);

        await browser.Page.GotoAsync("/data");

        await Expect(browser.Page.GetByRole(AriaRole.Button, new() { Name = "Read-only: this console" }))
            .ToBeDisabledAsync();
        await Expect(browser.Page.GetByText("No keys.")).ToBeVisibleAsync();
        await Expect(browser.Page.GetByRole(AriaRole.Button, new() { Name = "New key" })).ToHaveCountAsync(0);
        Assert.Empty(browser.Errors);
    }

    private static IEnumerable<KeyValuePair<string, string?>> Asking(Replica replica) =>
    [
        new("KvCloud__Security__Authorization", "required"),
        new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
        new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
    ];

    private static KvCloudClient AsAdmin(LiveCluster cluster) => cluster.NewClient(settings =>
    {
        settings.User = "admin";
        settings.Password = AdminPassword;
    });

    private static async Task MakeUserAsync(LiveCluster cluster, KvCloudClient admin)
    {
        // The first administrator comes with the feature level, to one replica after the other.
        int known = 0;
        for (int attempt = 0; known < cluster.Count; attempt++)
        {
            try
            {
                await admin.GetAccessAsync(new KvReadOptions { Endpoint = cluster.Endpoints[known] });
                known++;
            }
            catch (KvCloudException) when (attempt < 100)
            {
                await Task.Delay(200);
            }
        }

        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = AccessChangeKind.ADD_USER,
            Name = "ada",
            Password = AdaPassword,
        });
        await admin.ChangeAccessAsync(new KvAccessChange
        {
            Kind = AccessChangeKind.GRANT_TO_USER,
            Name = "ada",
            Grant = new KvGrant
            {
                Rights = KvRights.Read | KvRights.Write,
                ColumnFamily = "default",
                KeyPrefix = "a/"u8.ToArray(),
            },
        });
        await admin.SetAsync("a/1"u8.ToArray(), "1"u8.ToArray());
    }

    private static async Task LogInAsync(IPage page, string user, string password)
    {
        await page.Locator("#user").FillAsync(user);
        await page.Locator("#password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Log in" }).ClickAsync();
    }

    private static async Task AssertAccessibleAsync(Browser browser)
    {
        string violations = await browser.FindAccessibilityViolationsAsync();
        Assert.True(violations.Length == 0, violations);
    }
}
