using System.Reflection;
using Thrift.Protocol;

namespace KvCloud.Tests.Fuzzing.Targets;

/// <summary>Objects of the generated types with something in every field.</summary>
internal static class SampleStructs
{
    private const int Deepest = 4;

    public static object Make(Type type, int depth = 0)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            return Make(inner, depth);
        }

        return type switch
        {
            _ when type == typeof(string) => "default",
            _ when type == typeof(byte[]) => new byte[] { 107, 101, 121 },
            _ when type == typeof(bool) => true,
            _ when type == typeof(int) => 1,
            _ when type == typeof(long) => 1L,
            _ when type == typeof(double) => 1.0,
            _ when type.IsEnum => Enum.GetValues(type).GetValue(0)!,
            _ when type.IsGenericType => Collection(type, depth),
            _ => Struct(type, depth),
        };
    }

    private static object Collection(Type type, int depth)
    {
        object collection = Activator.CreateInstance(type)!;
        object[] elements = [.. type.GetGenericArguments().Select(argument => Make(argument, depth))];
        type.GetMethod("Add", type.GetGenericArguments())!.Invoke(collection, elements);
        return collection;
    }

    private static object Struct(Type type, int depth)
    {
        object instance = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties().Where(property => property.CanWrite))
        {
            if (depth < Deepest || !typeof(TBase).IsAssignableFrom(property.PropertyType))
            {
                property.SetValue(instance, Make(property.PropertyType, depth + 1));
            }
        }

        return instance;
    }
}
