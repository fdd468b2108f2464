/* tests/consumers/static_in_shared/main.c - a program that has Pollux inside a shared library. */
int greeting_main(void);

int main(void)
{
    return greeting_main();
}
