using KvCloud.Cli.Shell;

namespace KvCloud.Tests.Cli;

public sealed class LineBufferTests
{
    private readonly LineBuffer _line = new();

    [Fact]
    public void Insert_in_the_middle_moves_what_is_behind()
    {
        _line.Set("get ey");
        _line.Left();
        _line.Left();
        _line.Insert("k");
        Assert.Equal(("get key", 5), (_line.Text, _line.Cursor));
    }

    [Fact]
    public void DeleteWord_behind_spaces_takes_them_too()
    {
        _line.Set("set key   value   ");
        _line.DeleteWord();
        Assert.Equal("set key   ", _line.Text);
        _line.DeleteWord();
        Assert.Equal("set ", _line.Text);
    }

    [Fact]
    public void DeleteToEnd_and_to_begin_leave_the_other_side()
    {
        _line.Set("get key");
        _line.WordLeft();
        Assert.Equal(4, _line.Cursor);
        _line.DeleteToBegin();
        Assert.Equal(("key", 0), (_line.Text, _line.Cursor));
        _line.Right();
        _line.DeleteToEnd();
        Assert.Equal("k", _line.Text);
    }

    [Fact]
    public void ReplaceWord_changes_only_the_word_at_the_cursor()
    {
        _line.Set("member li rest");
        _line.Home();
        _line.WordRight();
        _line.WordRight();
        Assert.Equal("li", _line.Word());
        _line.ReplaceWord("list");
        Assert.Equal("member list rest", _line.Text);
        _line.End();
        _line.Insert(" ");
        _line.ReplaceWord("x");
        Assert.Equal("member list rest x", _line.Text);
    }

    [Fact]
    public void Backspace_and_delete_at_the_ends_do_nothing()
    {
        _line.Backspace();
        _line.Delete();
        _line.Left();
        _line.Right();
        Assert.Equal(("", 0), (_line.Text, _line.Cursor));
    }
}
