/* bench/asio.cpp - Asio without Boost: async_read_some(), and what the system takes at once is
 * written at once, the rest by async_write(). One thread, and Asio told so.
 */
#include <asio.hpp>

#include <memory>
#include <vector>

#include "bench/http.h"

namespace
{

using asio::ip::tcp;

bench_mode served;

/* Owns itself by the operation that is under way. */
class session : public std::enable_shared_from_this<session>
{
  public:
    explicit session(tcp::socket socket)
        : socket_(std::move(socket)), buffer_(served == BENCH_HTTP ? 4096 : BENCH_RECEIVE_BYTES)
    {
        socket_.non_blocking(true);
        socket_.set_option(tcp::no_delay(true));
    }

    void read()
    {
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](std::error_code error, size_t length) {
                                    if (!error)
                                        self->answer(length);
                                });
    }

  private:
    void answer(size_t length)
    {
        const char *bytes = buffer_.data();
        if (served == BENCH_HTTP) {
            size_t requests = bench_http_feed(&matched_, bytes, length);
            bench_count.requests += requests;
            bytes = bench_responses;
            length = requests * BENCH_RESPONSE_BYTES;
        } else {
            bench_count.echoed_bytes += length;
        }
        std::error_code error;
        size_t sent = length > 0 ? socket_.write_some(asio::buffer(bytes, length), error) : 0;
        if (error && error != asio::error::would_block)
            return;
        if (sent == length) {
            read();
            return;
        }
        asio::async_write(socket_, asio::buffer(bytes + sent, length - sent),
                          [self = shared_from_this()](std::error_code failed, size_t) {
                              if (!failed)
                                  self->read();
                          });
    }

    tcp::socket socket_;
    std::vector<char> buffer_;
    uint8_t matched_ = 0;
};

void accept(tcp::acceptor &acceptor)
{
    acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
        if (!error)
            std::make_shared<session>(std::move(socket))->read();
        accept(acceptor);
    });
}

void serve(bench_mode mode)
{
    served = mode;
    asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
    tcp::acceptor acceptor(context);
    acceptor.open(tcp::v4());
    acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(BENCH_BACKLOG);
    bench_ready(acceptor.local_endpoint().port());
    accept(acceptor);
    context.run();
    bench_fail("the loop ended");
}

/* --- posts ----------------------------------------------------------------------------------- */

asio::io_context *posts_context;

bool posts_open()
{
    posts_context = new asio::io_context(1);
    return true;
}

bool post()
{
    asio::post(*posts_context, [] {
        if (!bench_post_ran())
            posts_context->stop();
    });
    return true;
}

void posts_run()
{
    auto guard = asio::make_work_guard(*posts_context);
    posts_context->run();
}

const bench_post_ops post_ops = {posts_open, post, posts_run};

} // namespace

bool bench_variant_at(size_t index, bench_variant *variant_out)
{
    *variant_out = {};
    variant_out->group = "peer";
    variant_out->name = "asio";
    variant_out->engine = "";
    variant_out->serve = serve;
    variant_out->posts = &post_ops;
    return index == 0;
}
